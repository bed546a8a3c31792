#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/image/digest.h"

/// The JSON documents that describe images, as values: OCI image-spec 1.0 (index, manifest,
/// config) and docker's archive (manifest.json). Pure functions over untrusted text; errors are
/// `bad_request` and name the field.
namespace hoplab::image {

namespace media_type {
inline constexpr std::string_view index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view docker_list =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest =
    "application/vnd.docker.distribution.manifest.v2+json";
}  // namespace media_type

/// Where tools write an image's name in an index.
inline constexpr std::string_view name_annotation = "io.containerd.image.name";
inline constexpr std::string_view ref_annotation = "org.opencontainers.image.ref.name";

struct Descriptor {
  std::string media_type;
  Digest digest;
  uint64_t size = 0;
  std::map<std::string, std::string> annotations;
  std::string os;            ///< Of an index's entry; may be empty.
  std::string architecture;  ///< Go's word: "amd64", "arm64".
  bool operator==(const Descriptor&) const = default;
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  ///< The base first.
  bool operator==(const Manifest&) const = default;
};

struct History {
  std::string created;
  std::string created_by;
  std::string comment;
  bool empty_layer = false;
  bool operator==(const History&) const = default;
};

/// What a container gets from its image, and what `inspect` and `history` show.
struct ImageConfig {
  std::string created;  ///< RFC 3339 or empty.
  std::string author;
  std::string architecture;
  std::string os;
  std::string user;              ///< "", "101", "nginx", "101:101"
  std::vector<std::string> env;  ///< "NAME=value"
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::string stop_signal;                 ///< "SIGQUIT", "3" or empty.
  std::vector<std::string> exposed_ports;  ///< "80/tcp"
  std::vector<std::string> volumes;
  std::map<std::string, std::string> labels;
  std::vector<Digest> diff_ids;  ///< Of the uncompressed layers, the base first.
  std::vector<History> history;
  bool operator==(const ImageConfig&) const = default;
};

/// One image of a docker archive: paths inside it.
struct DockerArchiveImage {
  std::string config;
  std::vector<std::string> repo_tags;
  std::vector<std::string> layers;
  bool operator==(const DockerArchiveImage&) const = default;
};

Result<std::vector<Descriptor>> parse_index(std::string_view text);
Result<Manifest> parse_manifest(std::string_view text);
Result<ImageConfig> parse_config(std::string_view text);
Result<std::vector<DockerArchiveImage>> parse_docker_manifest(std::string_view text);

Json to_json(const Descriptor& value);
std::string index_text(const std::vector<Descriptor>& manifests);
std::string manifest_text(const Manifest& value);
/// A config for an image that has none: `import`.
std::string config_text(const ImageConfig& value);

}  // namespace hoplab::image
