#pragma once

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "runtime/base/architecture.h"
#include "runtime/base/json.h"
#include "runtime/image/source.h"
#include "runtime/image/store.h"
#include "runtime/image/test_archive.h"

/// For tests of the image store, and of what runs images.
namespace hoplab::image {

/// What docker-archive has of one image: config.json and manifest.json beside the layers.
struct ArchiveText {
  std::string name;  ///< "web:1"; empty for none.
  std::vector<std::string> layers;
  std::vector<std::string> diff_layers = {};  ///< What the DiffIDs are of, if not the layers.
  std::string architecture = machine_architecture();
  std::vector<std::string> cmd = {"/bin/sh"};

  [[nodiscard]] std::string config() const {
    Json ids = Json::array();
    for (const std::string& each : diff_layers.empty() ? layers : diff_layers) {
      ids.push_back(digest_of(each).text());
    }
    return dump_json({{"architecture", architecture},
                      {"os", "linux"},
                      {"created", "2024-01-01T00:00:00Z"},
                      {"config", {{"Cmd", cmd}, {"Labels", {{"name", name}}}}},
                      {"rootfs", {{"type", "layers"}, {"diff_ids", ids}}}});
  }
  [[nodiscard]] std::string manifest() const {
    Json paths = Json::array();
    for (size_t i = 0; i < layers.size(); ++i) paths.push_back(layer_path(i));
    Json tags = Json::array();
    if (!name.empty()) tags.push_back(name);
    Json out = Json::array();
    out.push_back({{"Config", "config.json"}, {"RepoTags", tags}, {"Layers", paths}});
    return dump_json(out);
  }
  [[nodiscard]] std::string tar() const {
    TarText out;
    for (size_t i = 0; i < layers.size(); ++i) out.file(layer_path(i), layers[i]);
    return out.file("config.json", config()).file("manifest.json", manifest()).text();
  }
  static std::string layer_path(size_t i) { return str("layer", i, "/layer.tar"); }
};

inline const std::string base_layer = TarText().file("bin/sh", "shell").text();
inline const std::string top_layer = TarText().file("etc/motd", "hello").text();

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : store_(*ImageStore::open(folder_.file("store"), Whiteouts::overlay_user)) {}

  Result<std::vector<LoadedImage>> load(const std::string& archive,
                                        const LoadOptions& options = {}) {
    write_text(folder_.file("in.tar"), archive);
    return store_.load(folder_.file("in.tar"), options);
  }
  Result<std::vector<LoadedImage>> load(const ArchiveText& archive) { return load(archive.tar()); }
  [[nodiscard]] size_t count(const std::string& below) const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.file("store/" + below)), {}));
  }
  [[nodiscard]] std::string blob(const Digest& digest) const {
    return folder_.file(str("store/blobs/sha256/", digest.hex()));
  }

  TestDir folder_;
  ImageStore store_;
};

}  // namespace hoplab::image
