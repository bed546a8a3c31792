#include "runtime/image/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store_writer.h"

namespace hoplab::image {

namespace {

bool is_id_start(std::string_view text) {
  return text.size() >= 4 && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<ImageStore> ImageStore::open(std::string folder, Whiteouts whiteouts) {
  for (const char* part : {blob_folder, "layers"}) {
    HOP_CHECK(make_directories(str(folder, "/", part), 0700).context("the image store"));
  }
  HOP_TRY(Fd directory, open_fd(folder, O_RDONLY | O_DIRECTORY));
  if (::faccessat(directory.get(), layout_file, F_OK, 0) != 0) {
    HOP_CHECK(replace_file(str(folder, "/", layout_file), layout_text, 0600));
  }
  return ImageStore(std::move(folder), whiteouts, std::move(directory));
}

Result<std::optional<ImageStore>> ImageStore::find_folder(std::string folder) {
  if (::access(str(folder, "/", index_file).c_str(), R_OK) != 0) {
    if (errno == ENOENT) return std::optional<ImageStore>();
    return Error::from_errno(errno, "opening the image store " + folder);
  }
  HOP_TRY(Fd directory, open_fd(folder, O_RDONLY | O_DIRECTORY));
  return std::optional(ImageStore(std::move(folder), Whiteouts::none, std::move(directory)));
}

std::string ImageStore::blob(const Digest& digest) const {
  return str(folder_, "/", blob_path(digest));
}

std::string ImageStore::layer(const Digest& diff_id) const {
  return str(folder_, "/layers/", diff_id.hex());
}

std::vector<std::string> ImageStore::layers(const StoredImage& image) const {
  std::vector<std::string> out;
  for (const Digest& each : image.config.diff_ids) out.push_back(layer(each) + "/diff");
  return out;
}

Result<std::vector<Descriptor>> ImageStore::read_index() const {
  auto text = read_file(str(folder_, "/", index_file), document_limit);
  if (!text && text.error().sys_errno() == ENOENT) return std::vector<Descriptor>{};
  if (!text) return std::move(text).error();
  return parse_index(*text).context("the image store " + folder_);
}

Result<Manifest> ImageStore::read_manifest(const Descriptor& manifest) const {
  HOP_TRY(std::string text, read_file(blob(manifest.digest), document_limit));
  return parse_manifest(text).context(blob(manifest.digest));
}

Result<StoredImage> ImageStore::read_image(const Descriptor& entry) const {
  HOP_TRY(Manifest manifest, read_manifest(entry));
  HOP_TRY(std::string text, read_file(blob(manifest.config.digest), document_limit));
  StoredImage out;
  out.id = manifest.config.digest;
  out.manifest = entry;
  out.manifest.annotations.clear();
  HOP_TRY(out.config, parse_config(text).context(blob(out.id)));
  for (const Digest& each : out.config.diff_ids) {
    HOP_TRY(std::string info, read_file(layer(each) + "/info.json"));
    HOP_TRY(Json json, parse_json(info));
    out.layer_bytes.push_back(static_cast<uint64_t>(int_or(json, "bytes")));
    out.bytes += out.layer_bytes.back();
  }
  return out;
}

Result<std::vector<StoredImage>> ImageStore::list() const {
  HOP_TRY(std::vector<Descriptor> index, read_index());
  std::map<Digest, StoredImage> by_id;
  for (const Descriptor& entry : index) {
    HOP_TRY(StoredImage image, read_image(entry));
    StoredImage& kept = by_id.try_emplace(image.id, image).first->second;
    if (std::string name = name_of(entry); !name.empty()) kept.names.push_back(std::move(name));
  }
  std::vector<StoredImage> out;
  for (auto& [id, image] : by_id) {
    std::sort(image.names.begin(), image.names.end());
    out.push_back(std::move(image));
  }
  std::stable_sort(out.begin(), out.end(), [](const StoredImage& a, const StoredImage& b) {
    return std::pair(a.names.empty(), a.names) < std::pair(b.names.empty(), b.names);
  });
  return out;
}

Result<StoredImage> ImageStore::find(std::string_view name_or_id) const {
  auto name = Reference::parse(name_or_id);
  std::string_view id = name_or_id.starts_with("sha256:") ? name_or_id.substr(7) : name_or_id;
  HOP_TRY(std::vector<Descriptor> index, read_index());
  // Asked for each container that starts, mostly about images that are not here: the index alone
  // answers that.
  bool known = name && std::any_of(index.begin(), index.end(), [&](const Descriptor& each) {
                 return name_of(each) == name->full();
               });
  std::vector<StoredImage> images;
  if (known || is_id_start(id)) {
    HOP_TRY(images, list());
  }
  const StoredImage* found = nullptr;
  for (const StoredImage& each : images) {
    if (name && std::find(each.names.begin(), each.names.end(), name->full()) != each.names.end()) {
      return each;
    }
    if (!is_id_start(id) || !each.id.hex().starts_with(id)) continue;
    if (found != nullptr) {
      return Error(ErrorCode::conflict, str("several images' ids start with \"", id, "\""));
    }
    found = &each;
  }
  if (found != nullptr) return *found;
  if (!name && !is_id_start(id)) return std::move(name).error();
  return Error(ErrorCode::not_found, str("No such image: ", name_or_id));
}

Result<void> ImageStore::tag(std::string_view name_or_id, const Reference& name) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  HOP_TRY(StoredImage image, find(name_or_id));
  HOP_TRY(std::vector<Descriptor> index, read_index());
  std::erase_if(index, [&](const Descriptor& each) {
    return name_of(each) == name.full() ||
           (each.digest == image.manifest.digest && name_of(each).empty());
  });
  index.push_back(image.manifest);
  index.back().annotations[std::string(name_annotation)] = name.full();
  return writer.commit(index);
}

Result<RemovedImage> ImageStore::remove(std::string_view name_or_id, bool force) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  HOP_TRY(StoredImage image, find(name_or_id));
  HOP_TRY(std::vector<Descriptor> index, read_index());
  auto name = Reference::parse(name_or_id);
  bool by_name =
      name && std::find(image.names.begin(), image.names.end(), name->full()) != image.names.end();
  if (!by_name && image.names.size() > 1 && !force) {
    return Error(ErrorCode::conflict,
                 str("unable to delete ", image.id.short_id(),
                     " (must be forced) - image is referenced in multiple repositories"));
  }
  RemovedImage out;
  bool last = !by_name || image.names.size() == 1;
  std::erase_if(index, [&](const Descriptor& each) {
    if (each.digest != image.manifest.digest) return false;
    if (!last && name_of(each) != name->full()) return false;
    if (!name_of(each).empty()) out.untagged.push_back(name_of(each));
    return true;
  });
  if (last) out.deleted.push_back(image.id);
  HOP_CHECK(writer.commit(index));
  return out;
}

Result<RemovedImage> ImageStore::prune(const std::function<bool(const StoredImage&)>& in_use) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  HOP_TRY(std::vector<StoredImage> images, list());
  HOP_TRY(std::vector<Descriptor> index, read_index());
  RemovedImage out;
  for (const StoredImage& image : images) {
    if (!image.names.empty() || in_use(image)) continue;
    std::erase_if(index,
                  [&](const Descriptor& each) { return each.digest == image.manifest.digest; });
    out.deleted.push_back(image.id);
    out.bytes += image.bytes;
  }
  HOP_CHECK(writer.commit(index));
  return out;
}

}  // namespace hoplab::image
