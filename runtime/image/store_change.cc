// tag, remove, prune: changes of the index alone.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store_find.h"
#include "runtime/image/store_writer.h"

namespace hoplab::image {

namespace {

/// See hold_image(). While the descriptor is open nobody can start to use the image; `conflict`
/// when somebody does.
Result<Fd> lock_for_removal(const std::string& hold_file) {
  auto file = open_fd(hold_file, O_RDWR);
  if (!file && file.error().sys_errno() == ENOENT) return Fd();  // damaged: nothing can run it
  if (!file) return file;
  if (::flock(file->get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return Error::from_errno(errno, "locking " + hold_file);
  return Error(ErrorCode::conflict, "in use");
}

bool is_of(const StoredImage& image, const Descriptor& entry) {
  return std::find(image.manifests.begin(), image.manifests.end(), entry.digest) !=
         image.manifests.end();
}

Error has_several_names(const StoredImage& image) {
  return Error(ErrorCode::conflict,
               str("conflict: unable to delete ", image.id.short_id(),
                   " (must be forced) - image is referenced in multiple repositories"));
}

Error in_use_by_name(const StoredImage& image, const Reference& name) {
  return Error(ErrorCode::conflict,
               str("conflict: unable to remove repository reference \"", name.familiar(),
                   "\" (must force) - a running container is using its referenced image ",
                   image.id.short_id()));
}

Error in_use_by_id(const StoredImage& image) {
  return Error(ErrorCode::conflict,
               str("conflict: unable to delete ", image.id.short_id(),
                   " (cannot be forced) - image is being used by a running container"));
}

}  // namespace

Result<std::vector<std::string>> ImageStore::tag(std::string_view name_or_id,
                                                 const Reference& name) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  HOP_TRY(const std::vector<StoredImage> images, read_images());
  HOP_TRY(const StoredImage* image, find_among(images, name_or_id));
  if (image->damage) return *image->damage;
  HOP_TRY(std::vector<Descriptor> index, read_index());
  std::vector<std::string> names = image->names;
  if (!has_name(*image, name)) names.push_back(name.full());
  give_names(index, image->manifest, names);
  return writer.commit(index);
}

Result<RemovedImage> ImageStore::remove(std::string_view name_or_id, bool force) {
  HOP_TRY(Writer writer, Writer::begin(*this));
  HOP_TRY(const std::vector<StoredImage> images, read_images());
  HOP_TRY(const StoredImage* image, find_among(images, name_or_id));
  auto name = Reference::parse(name_or_id);
  bool by_name = name && has_name(*image, *name);
  if (!by_name && image->names.size() > 1 && !force) return has_several_names(*image);
  bool last = !by_name || image->names.size() == 1;
  Result<Fd> unused = last ? lock_for_removal(hold_file(*image)) : Fd();
  if (!unused && unused.error().code() != ErrorCode::conflict) return std::move(unused).error();
  if (!unused && !by_name) return in_use_by_id(*image);
  if (!unused && !force) return in_use_by_name(*image, *name);

  RemovedImage out;
  HOP_TRY(std::vector<Descriptor> index, read_index());
  std::erase_if(index, [&](const Descriptor& each) {
    if (!is_of(*image, each)) return false;
    std::string its_name = name_of(each);
    if (by_name && its_name != name->full() && !last) return false;
    if (!its_name.empty()) out.untagged.push_back(std::move(its_name));
    return true;
  });
  if (!unused) {
    index.push_back(image->manifest);  // nameless: it goes with a later prune
  } else if (last) {
    out.deleted.push_back(image->id);
  }
  HOP_TRY(out.notes, writer.commit(index));
  return out;
}

Result<RemovedImage> ImageStore::prune() {
  HOP_TRY(Writer writer, Writer::begin(*this));
  HOP_TRY(const std::vector<StoredImage> images, read_images());
  HOP_TRY(std::vector<Descriptor> index, read_index());
  RemovedImage out;
  std::vector<Fd> locks;
  for (const StoredImage& image : images) {
    if (!image.names.empty()) continue;
    auto unused = lock_for_removal(hold_file(image));
    if (!unused && unused.error().code() == ErrorCode::conflict) continue;
    if (!unused) return std::move(unused).error();
    locks.push_back(*std::move(unused));
    std::erase_if(index, [&](const Descriptor& each) { return is_of(image, each); });
    out.deleted.push_back(image.id);
    out.bytes += image.bytes;
  }
  HOP_TRY(out.notes, writer.commit(index));
  return out;
}

}  // namespace hoplab::image
