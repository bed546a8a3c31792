#include "runtime/image/store_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <span>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"

namespace hoplab::image {

namespace {

constexpr const char* unpacked = "layer";  // in tmp/: one writer, one layer at a time
constexpr const char* incoming = "blob";

/// By the first bytes: docker's archives do not say it.
std::string layer_media_type(const Fd& blob) {
  std::array<unsigned char, 4> magic{};
  ssize_t n = ::pread(blob.get(), magic.data(), magic.size(), 0);
  std::string type(media_type::layer);
  if (n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b) return type + "+gzip";
  if (n == 4 && magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd) {
    return type + "+zstd";
  }
  return type;
}

struct Copied {
  Digest digest;
  uint64_t size = 0;
};

Result<Copied> copy_and_hash(const Fd& from, const Fd& to) {
  Hasher hasher;
  Copied out;
  std::vector<std::byte> buffer(256U << 10U);
  for (;;) {
    ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "reading");
    if (n == 0) break;
    std::span<const std::byte> bytes(buffer.data(), static_cast<size_t>(n));
    hasher.add(bytes);
    HOP_CHECK(write_all(to.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    out.size += bytes.size();
  }
  out.digest = hasher.finish();
  return out;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<void> move_into(const Fd& from, const char* name, const std::string& to) {
  if (::renameat(from.get(), name, AT_FDCWD, to.c_str()) != 0) {
    return Error::from_errno(errno, "moving a blob to " + to);
  }
  return {};
}

Error damaged(const std::string& name, const Digest& expected, const Digest& found) {
  return Error(ErrorCode::bad_request,
               str(name, ": damaged: it should be ", expected.text(), " and is ", found.text()));
}

}  // namespace

Result<ImageStore::Writer> ImageStore::Writer::begin(const ImageStore& store) {
  HOP_TRY(Fd lock, open_fd(store.folder_ + "/lock", O_RDWR | O_CREAT, 0600));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return Error::from_errno(errno, "locking " + store.folder_);
  }
  HOP_CHECK(remove_tree(store.directory_, "tmp"));
  std::string tmp = store.folder_ + "/tmp";
  if (::mkdir(tmp.c_str(), 0700) != 0) return Error::from_errno(errno, "making " + tmp);
  HOP_TRY(Fd directory, open_fd(tmp, O_RDONLY | O_DIRECTORY));
  return Writer(store, std::move(lock), std::move(directory));
}

Result<Descriptor> ImageStore::Writer::add_blob(const Fd& source, const std::string& name,
                                                const std::optional<Digest>& expected,
                                                std::string_view media_type) {
  std::string staged = store_.folder_ + "/tmp/" + incoming;
  HOP_TRY(Fd file, open_fd(staged, O_RDWR | O_CREAT | O_TRUNC, 0600));
  HOP_TRY(Copied copied, copy_and_hash(source, file).context(str("copying ", name)));
  if (expected && copied.digest != *expected) return damaged(name, *expected, copied.digest);
  Descriptor out;
  out.media_type = media_type.empty() ? layer_media_type(file) : std::string(media_type);
  out.digest = copied.digest;
  out.size = copied.size;
  HOP_CHECK(move_into(tmp_, incoming, store_.blob(out.digest)));
  return out;
}

Result<Descriptor> ImageStore::Writer::add_text(const std::string& text,
                                                std::string_view media_type) {
  Descriptor out;
  out.media_type = media_type;
  out.digest = digest_of(text);
  out.size = text.size();
  HOP_CHECK(replace_file(store_.blob(out.digest), text, 0600));
  return out;
}

Result<ImageStore::Writer::Layer> ImageStore::Writer::add_layer(
    const Fd& source, const std::string& name, const std::optional<Digest>& expected,
    const std::optional<Digest>& diff_id, const UnpackLimits& limits) {
  bool known = diff_id && exists(store_.layer(*diff_id));
  Layer out;
  HOP_TRY(out.blob, add_blob(source, name, expected, ""));
  HOP_TRY(out.diff_id, known ? hash_layer(out.blob.digest, name, limits)
                             : unpack_layer(out.blob.digest, name, limits));
  if (diff_id && out.diff_id != *diff_id) return damaged(name, *diff_id, out.diff_id);
  if (!exists(store_.layer(out.diff_id))) {
    HOP_CHECK(move_into(tmp_, unpacked, store_.layer(out.diff_id)));
  } else {
    HOP_CHECK(remove_tree(tmp_, unpacked));
  }
  HOP_TRY(out.notes, layer_notes(out.diff_id));
  return out;
}

Result<Digest> ImageStore::Writer::hash_layer(const Digest& blob, const std::string& name,
                                              const UnpackLimits& limits) {
  HOP_TRY(TarReader reader, open_layer(blob, name));
  return reader.finish(limits.bytes * 2);
}

Result<TarReader> ImageStore::Writer::open_layer(const Digest& blob,
                                                 const std::string& name) const {
  HOP_TRY(Fd file, open_fd(store_.blob(blob), O_RDONLY));
  return TarReader::open(std::move(file), name);
}

Result<Digest> ImageStore::Writer::unpack_layer(const Digest& blob, const std::string& name,
                                                const UnpackLimits& limits) {
  std::string staged = store_.folder_ + "/tmp/" + unpacked;
  std::string root = staged + "/diff";
  for (const std::string& path : {staged, root}) {
    if (::mkdir(path.c_str(), 0755) != 0) return Error::from_errno(errno, "making " + path);
  }
  HOP_TRY(Fd directory, open_fd(root, O_RDONLY | O_DIRECTORY));
  HOP_TRY(TarReader reader, open_layer(blob, name));
  HOP_TRY(UnpackReport report,
          unpack(reader, directory, {store_.whiteouts_, limits}).context(name));
  HOP_TRY(Digest diff_id, reader.finish(limits.bytes * 2));
  Json info{{"bytes", report.bytes}, {"entries", report.entries}, {"notes", report.notes}};
  HOP_CHECK(write_file(staged + "/info.json", dump_json(info)));
  return diff_id;
}

Result<std::vector<std::string>> ImageStore::Writer::layer_notes(const Digest& diff_id) const {
  HOP_TRY(std::string text, read_file(store_.layer(diff_id) + "/info.json"));
  HOP_TRY(Json info, parse_json(text));
  std::vector<std::string> out;
  for (const Json& each : member(info, "notes")) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

Result<void> ImageStore::Writer::commit(const std::vector<Descriptor>& index) {
  HOP_CHECK(replace_file(str(store_.folder_, "/", index_file), index_text(index), 0600));
  return remove_unneeded(index);
}

void ImageStore::Writer::collect_garbage() {
  if (auto index = store_.read_index()) (void)remove_unneeded(*index);
  (void)remove_tree(tmp_, unpacked);
  (void)remove_tree(tmp_, incoming);
}

Result<void> ImageStore::Writer::remove_unneeded(const std::vector<Descriptor>& index) {
  std::set<std::string, std::less<>> blobs;
  std::set<std::string, std::less<>> layers;
  for (const Descriptor& each : index) {
    HOP_TRY(StoredImage image, store_.read_image(each));
    HOP_TRY(Manifest manifest, store_.read_manifest(each));
    blobs.insert({std::string(each.digest.hex()), std::string(image.id.hex())});
    for (const Descriptor& blob : manifest.layers) blobs.emplace(blob.digest.hex());
    for (const Digest& diff_id : image.config.diff_ids) layers.emplace(diff_id.hex());
  }
  const auto sweep = [&](const char* folder, const auto& needed) -> Result<void> {
    const std::string path = str(store_.folder_, "/", folder);
    HOP_TRY(Fd directory, open_fd(path, O_RDONLY | O_DIRECTORY));
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      std::string name = entry.path().filename().string();
      if (!needed.contains(name)) HOP_CHECK(remove_tree(directory, name));
    }
    return {};
  };
  HOP_CHECK(sweep(blob_folder, blobs));
  return sweep("layers", layers);
}

}  // namespace hoplab::image
