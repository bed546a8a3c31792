#include "runtime/image/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store_find.h"

namespace hoplab::image {

namespace {

std::string_view word_for(Whiteouts whiteouts) {
  return whiteouts == Whiteouts::overlay_user ? "user" : "trusted";
}

}  // namespace

Result<ImageStore> ImageStore::open(std::string folder, Whiteouts whiteouts) {
  for (const char* part : {blob_folder, "layers"}) {
    HOP_CHECK(make_directories(str(folder, "/", part), 0700).context("the image store"));
  }
  HOP_TRY(Fd directory, open_fd(folder, O_RDONLY | O_DIRECTORY));
  if (::faccessat(directory.get(), whiteouts_file, F_OK, 0) != 0) {
    HOP_CHECK(replace_file(str(folder, "/", whiteouts_file), word_for(whiteouts), 0600));
  }
  if (::faccessat(directory.get(), layout_file, F_OK, 0) != 0) {
    HOP_CHECK(replace_file(str(folder, "/", layout_file), layout_text, 0600));
  }
  ImageStore store(std::move(folder), whiteouts, std::move(directory));
  HOP_CHECK(store.check_usable());
  return store;
}

Result<std::optional<ImageStore>> ImageStore::find_folder(std::string folder, Whiteouts whiteouts) {
  if (::access(str(folder, "/", index_file).c_str(), R_OK) != 0) {
    if (errno == ENOENT) return std::optional<ImageStore>();
    return Error::from_errno(errno, "opening the image store " + folder);
  }
  HOP_TRY(Fd directory, open_fd(folder, O_RDONLY | O_DIRECTORY));
  return std::optional(ImageStore(std::move(folder), whiteouts, std::move(directory)));
}

Result<void> ImageStore::check_usable() const {
  auto text = read_file(str(folder_, "/", whiteouts_file), 100);
  if (!text && text.error().sys_errno() == ENOENT) return {};  // older than the file
  if (!text) return std::move(text).error();
  if (trim(*text) == word_for(whiteouts_)) return {};
  return Error(ErrorCode::conflict,
               str("the layers in the image store ", folder_, " were unpacked ",
                   trim(*text) == "user" ? "by an ordinary user" : "by root",
                   " and cannot be used here; choose another folder with HOPLAB_IMAGES"));
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

Result<Fd> ImageStore::lock_contents(int kind) const {
  // An open file of its own: threads of one process lock against each other, too.
  HOP_TRY(Fd folder, open_fd(folder_, O_RDONLY | O_DIRECTORY));
  while (::flock(folder.get(), kind) != 0) {
    if (errno != EINTR) return Error::from_errno(errno, "locking " + folder_);
  }
  return folder;
}

Result<std::vector<Descriptor>> ImageStore::read_index() const {
  auto text = read_file(str(folder_, "/", index_file), document_limit);
  if (!text && text.error().sys_errno() == ENOENT) return std::vector<Descriptor>{};
  if (!text) return std::move(text).error();
  HOP_TRY(std::vector<Descriptor> index, parse_index(*text).context("the image store " + folder_));
  for (Descriptor& each : index) {
    // Other tools may write here, too. From here on a name is one.
    auto name = Reference::parse(name_of(each));
    each.annotations.clear();
    if (name) each.annotations[std::string(name_annotation)] = name->full();
  }
  return index;
}

Result<Manifest> ImageStore::read_manifest(const Descriptor& manifest) const {
  HOP_TRY(std::string text, read_file(blob(manifest.digest), document_limit));
  return parse_manifest(text).context(blob(manifest.digest));
}

Result<ImageConfig> ImageStore::read_config(const Digest& id) const {
  HOP_TRY(std::string text, read_file(blob(id), document_limit));
  return parse_config(text).context(blob(id));
}

Result<void> ImageStore::fill_in(StoredImage& image) const {
  HOP_TRY(const Manifest manifest, read_manifest(image.manifest));
  image.id = manifest.config.digest;
  HOP_TRY(image.config, read_config(image.id));
  for (const Digest& each : image.config.diff_ids) {
    HOP_TRY(std::string info, read_file(layer(each) + "/info.json"));
    HOP_TRY(Json json, parse_json(info));
    image.layer_bytes.push_back(static_cast<uint64_t>(int_or(json, "bytes")));
    image.bytes += image.layer_bytes.back();
  }
  return {};
}

StoredImage ImageStore::read_image(const Descriptor& entry) const {
  StoredImage out;
  out.id = entry.digest;  // all that is known until the manifest is read
  out.manifest = entry;
  out.manifest.annotations.clear();
  out.manifests = {entry.digest};
  std::string name = name_of(entry);
  if (auto filled = fill_in(out); !filled) {
    std::string shown = name.empty() ? out.id.short_id() : Reference::parse(name)->familiar();
    // Its own code: "not found" would let a built-in image of the name run instead.
    out.damage = Error(ErrorCode::internal,
                       str("image ", shown, " is damaged: ", filled.error().message(),
                           "; remove it (hoplab docker rmi ", shown, ") and load it again"));
  }
  if (!name.empty()) out.names.push_back(std::move(name));
  return out;
}

Result<std::vector<StoredImage>> ImageStore::read_images() const {
  HOP_TRY(std::vector<Descriptor> index, read_index());
  std::map<Digest, StoredImage> by_id;
  for (const Descriptor& entry : index) {
    StoredImage image = read_image(entry);
    auto [place, added] = by_id.try_emplace(image.id, image);
    StoredImage& kept = place->second;
    if (added) continue;
    kept.names.insert(kept.names.end(), image.names.begin(), image.names.end());
    kept.manifests.push_back(entry.digest);
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

Result<std::vector<StoredImage>> ImageStore::list() const {
  HOP_TRY(const Fd lock, lock_contents(LOCK_SH));
  return read_images();
}

Result<StoredImage> ImageStore::find(std::string_view name_or_id) const {
  HOP_TRY(const Fd lock, lock_contents(LOCK_SH));
  // Asked for each container that starts, mostly about images that are not here: the index alone
  // answers that.
  HOP_TRY(std::vector<Descriptor> index, read_index());
  auto name = Reference::parse(name_or_id);
  bool known = name && std::any_of(index.begin(), index.end(), [&](const Descriptor& each) {
                 return name_of(each) == name->full();
               });
  std::vector<StoredImage> images;
  if (known || is_id_start(name_or_id)) {
    HOP_TRY(images, read_images());
  }
  HOP_TRY(const StoredImage* found, find_among(images, name_or_id));
  if (found->damage) return *found->damage;
  return *found;
}

Result<Fd> hold_image(const std::string& file) {
  HOP_TRY(Fd held, open_fd(file, O_RDONLY).context("keeping an image"));
  struct stat info {};
  // Removal locks first and deletes then: who comes between finds a file without a name.
  if (::flock(held.get(), LOCK_SH | LOCK_NB) != 0 || ::fstat(held.get(), &info) != 0 ||
      info.st_nlink == 0) {
    return Error(ErrorCode::unavailable, "the image is being removed (" + file + ")");
  }
  return held;
}

}  // namespace hoplab::image
