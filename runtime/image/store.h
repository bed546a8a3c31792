#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/image/manifest.h"
#include "runtime/image/reference.h"
#include "runtime/image/source.h"
#include "runtime/image/unpack.h"

namespace hoplab::image {

struct StoredImage {
  Digest id;                       ///< Of the config: what docker calls the image's id.
  Descriptor manifest;             ///< Without annotations.
  std::vector<std::string> names;  ///< Full ("docker.io/library/nginx:latest"), sorted.
  ImageConfig config;
  std::vector<uint64_t> layer_bytes;  ///< Of the files in each layer, the base first.
  uint64_t bytes = 0;                 ///< Of all files in all layers.
};

struct LoadOptions {
  UnpackLimits limits;
  /// The name of an image whose archive tells only a tag or nothing: "alpine" from alpine.tar.
  std::string fallback_name;
  /// What is being done, for progress: "nginx:latest: layer 2 of 6".
  std::function<void(const std::string&)> say;
};

struct LoadedImage {
  StoredImage image;
  std::vector<std::string> notes;  ///< What could not be kept (UnpackReport::notes).
};

struct RemovedImage {
  std::vector<std::string> untagged;  ///< Names that are gone.
  std::vector<Digest> deleted;        ///< The image itself, with its last name.
  uint64_t bytes = 0;                 ///< Of the deleted images.
};

/// The images of one user: a folder that is itself an OCI image layout (index.json, blobs/; other
/// tools can read it), with every layer also unpacked once, ready for overlayfs, in
/// layers/HEX/diff (HEX: the DiffID). Everything is content-addressed and checked when it comes in.
///
/// Several processes may use one store: writers take turns by flock, readers see the old or the new
/// index. A writer that is killed leaves only tmp/, which the next writer clears. An object may be
/// used by several threads.
class ImageStore {
 public:
  /// Makes the folder when it is not there (mode 0700). `whiteouts` says for which kind of overlay
  /// mount the layers are.
  static Result<ImageStore> open(std::string folder, Whiteouts whiteouts);

  /// For those who only read: nullopt when nothing was ever loaded. Makes nothing.
  static Result<std::optional<ImageStore>> find_folder(std::string folder);

  [[nodiscard]] const std::string& folder() const { return folder_; }

  /// By name, then by id.
  [[nodiscard]] Result<std::vector<StoredImage>> list() const;
  /// By a name ("nginx" is docker.io/library/nginx:latest), an id or the unique start of one.
  [[nodiscard]] Result<StoredImage> find(std::string_view name_or_id) const;
  /// The directories to stack, the base first.
  [[nodiscard]] std::vector<std::string> layers(const StoredImage& image) const;

  /// Loads all images of a tarball (plain or compressed) or folder: docker-archive or OCI layout.
  /// A name that another image has moves to the new one. All or nothing per call.
  Result<std::vector<LoadedImage>> load(const std::string& path, const LoadOptions& options);
  /// Makes an image of a tarball that holds a root file system. `config`: what a container runs;
  /// diff_ids and history are filled in.
  Result<LoadedImage> import_rootfs(const std::string& path, ImageConfig config,
                                    const LoadOptions& options);
  Result<void> tag(std::string_view name_or_id, const Reference& name);
  /// Takes a name away, and with its last name the image and what only it needed. An id with
  /// several names is `conflict` unless `force`.
  Result<RemovedImage> remove(std::string_view name_or_id, bool force);
  /// Removes images without a name, but for those that `in_use` says are needed.
  Result<RemovedImage> prune(const std::function<bool(const StoredImage&)>& in_use);
  /// Writes docker's archive format (with an OCI index, as docker does since 25).
  Result<void> save(const std::vector<std::string>& names, int fd) const;

 private:
  ImageStore(std::string folder, Whiteouts whiteouts, Fd directory)
      : folder_(std::move(folder)), whiteouts_(whiteouts), directory_(std::move(directory)) {}

  class Writer;
  friend class Writer;

  [[nodiscard]] std::string blob(const Digest& digest) const;
  [[nodiscard]] std::string layer(const Digest& diff_id) const;
  [[nodiscard]] Result<std::vector<Descriptor>> read_index() const;
  [[nodiscard]] Result<StoredImage> read_image(const Descriptor& manifest) const;
  [[nodiscard]] Result<Manifest> read_manifest(const Descriptor& manifest) const;

  std::string folder_;
  Whiteouts whiteouts_;
  Fd directory_;
};

}  // namespace hoplab::image
