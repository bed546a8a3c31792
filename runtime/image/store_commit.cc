// How a change becomes the store's content, and how what nobody needs any more goes.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"
#include "runtime/image/store_writer.h"

namespace hoplab::image {

namespace {

using Names = std::set<std::string, std::less<>>;

Result<void> write_durably(const std::string& path, std::string_view text) {
  HOP_TRY(Fd file, open_fd(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  HOP_CHECK(write_all(file.get(), text).context("writing " + path));
  if (::fsync(file.get()) != 0) return Error::from_errno(errno, "writing " + path);
  return {};
}

}  // namespace

/// Blobs and layers are on the disk before the index that names them, and the index before what it
/// no longer names goes: a power cut at any point leaves a whole store.
Result<void> ImageStore::Writer::replace_index(const std::vector<Descriptor>& index) {
  const std::string path = str(store_.folder_, "/", index_file);
  const std::string staged = str(staging_, "/", index_file);
  HOP_CHECK(write_durably(staged, index_text(index)));
  if (std::rename(staged.c_str(), path.c_str()) != 0) {
    return Error::from_errno(errno, "renaming " + staged + " to " + path);
  }
  if (::fsync(store_.directory_.get()) != 0) return Error::from_errno(errno, "writing " + path);
  return {};
}

Result<std::vector<std::string>> ImageStore::Writer::commit(const std::vector<Descriptor>& index) {
  if (added_ && ::syncfs(store_.directory_.get()) != 0) {
    return Error::from_errno(errno, "writing the image store " + store_.folder_);
  }
  Result<void> swept;
  {
    HOP_TRY(const Fd readers, store_.lock_contents(LOCK_EX));
    HOP_CHECK(replace_index(index));
    swept = move_unneeded(index);
  }
  // The change is made: what follows can fail, but not undo it.
  if (swept) swept = remove_tree(tmp_, unneeded_name);
  if (swept) return std::vector<std::string>{};
  return std::vector<std::string>{"space of removed images was not given back: " +
                                  swept.error().message()};
}

void ImageStore::Writer::collect_garbage() {
  {
    auto readers = store_.lock_contents(LOCK_EX);
    auto index = store_.read_index();
    if (readers && index) (void)move_unneeded(*index);
  }
  for (const char* each : {unneeded_name, unpacked_name, incoming_name}) {
    (void)remove_tree(tmp_, each);
  }
}

/// Only moves: readers wait meanwhile.
Result<void> ImageStore::Writer::move_unneeded(const std::vector<Descriptor>& index) {
  Names blobs;
  Names layers;
  for (const Descriptor& each : index) {
    // Of a damaged image it may not be known what it needs. Then nothing goes.
    HOP_TRY(Manifest manifest, store_.read_manifest(each));
    HOP_TRY(ImageConfig config, store_.read_config(manifest.config.digest));
    blobs.insert({std::string(each.digest.hex()), std::string(manifest.config.digest.hex())});
    for (const Descriptor& blob : manifest.layers) blobs.emplace(blob.digest.hex());
    for (const Digest& diff_id : config.diff_ids) layers.emplace(diff_id.hex());
  }
  if (::mkdirat(tmp_.get(), unneeded_name, 0700) != 0 && errno != EEXIST) {
    return Error::from_errno(errno, "making a folder for them");
  }
  const auto sweep = [&](const char* folder, const Names& needed) -> Result<void> {
    std::error_code failed;
    const std::string path = str(store_.folder_, "/", folder);
    for (const auto& entry : std::filesystem::directory_iterator(path, failed)) {
      std::string name = entry.path().filename().string();
      if (needed.contains(name)) continue;
      std::string to = str(unneeded_name, "/", name, ".", ++moved_);
      if (::renameat(AT_FDCWD, entry.path().c_str(), tmp_.get(), to.c_str()) != 0) {
        return Error::from_errno(errno, "moving " + entry.path().string());
      }
    }
    if (failed) return Error::from_errno(failed.value(), "reading " + path);
    return {};
  };
  HOP_CHECK(sweep(blob_folder, blobs));
  return sweep("layers", layers);
}

}  // namespace hoplab::image
