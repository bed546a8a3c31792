#include <fcntl.h>
#include <sys/file.h>

#include <map>
#include <set>

#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store.h"
#include "runtime/image/store_find.h"
#include "runtime/image/tar_writer.h"

namespace hoplab::image {

namespace {

struct Wanted {
  StoredImage image;
  std::set<std::string> names;  ///< Full.
};

Json docker_entry(const Wanted& wanted, const Manifest& manifest) {
  Json tags = Json::array();
  for (const std::string& name : wanted.names) tags.push_back(Reference::parse(name)->familiar());
  Json layers = Json::array();
  for (const Descriptor& layer : manifest.layers) layers.push_back(blob_path(layer.digest));
  return {{"Config", blob_path(manifest.config.digest)},
          {"RepoTags", tags.empty() ? Json() : std::move(tags)},
          {"Layers", std::move(layers)}};
}

void add_index_entries(const Wanted& wanted, std::vector<Descriptor>& index) {
  index.push_back(wanted.image.manifest);
  bool first = true;
  for (const std::string& name : wanted.names) {
    if (!first) index.push_back(wanted.image.manifest);
    first = false;
    index.back().annotations = {{std::string(name_annotation), name},
                                {std::string(ref_annotation), Reference::parse(name)->tag}};
  }
}

}  // namespace

Result<void> ImageStore::save(const std::vector<std::string>& names, int fd) const {
  HOP_TRY(const Fd lock, lock_contents(LOCK_SH));
  HOP_TRY(const std::vector<StoredImage> images, read_images());
  std::map<Digest, Wanted> wanted;
  for (const std::string& each : names) {
    HOP_TRY(const StoredImage* image, find_among(images, each));
    if (image->damage) return *image->damage;
    Wanted& entry = wanted.try_emplace(image->id, Wanted{*image, {}}).first->second;
    auto name = Reference::parse(each);
    // By name: that name. By id: none, as docker does.
    if (name && has_name(*image, *name)) entry.names.insert(name->full());
  }
  HOP_TRY(TarWriter tar, TarWriter::open(fd));
  HOP_CHECK(tar.add_directory("blobs"));
  HOP_CHECK(tar.add_directory(blob_folder));
  std::set<Digest> written;
  const auto add = [&](const Digest& digest) -> Result<void> {
    if (!written.insert(digest).second) return {};
    HOP_TRY(Fd file, open_fd(blob(digest), O_RDONLY));
    return tar.add_file(blob_path(digest), file);
  };
  Json docker = Json::array();
  std::vector<Descriptor> index;
  for (const auto& [id, each] : wanted) {
    HOP_TRY(Manifest manifest, read_manifest(each.image.manifest));
    for (const Descriptor& layer : manifest.layers) HOP_CHECK(add(layer.digest));
    HOP_CHECK(add(manifest.config.digest));
    HOP_CHECK(add(each.image.manifest.digest));
    docker.push_back(docker_entry(each, manifest));
    add_index_entries(each, index);
  }
  HOP_CHECK(tar.add_text(index_file, index_text(index)));
  HOP_CHECK(tar.add_text("manifest.json", dump_json(docker)));
  HOP_CHECK(tar.add_text(layout_file, layout_text));
  return tar.close();
}

}  // namespace hoplab::image
