#include "runtime/image/store_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/image/layout.h"

namespace hoplab::image {

namespace {

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
  // What cannot go, say files of another user, stays and is in nobody's way.
  (void)remove_tree(store.directory_, "tmp");
  HOP_CHECK(make_directories(store.folder_ + "/tmp", 0700));
  std::string staging = store.folder_ + "/tmp/XXXXXX";
  if (::mkdtemp(staging.data()) == nullptr) return Error::from_errno(errno, "making " + staging);
  HOP_TRY(Fd directory, open_fd(staging, O_RDONLY | O_DIRECTORY));
  return Writer(store, std::move(lock), std::move(staging), std::move(directory));
}

Result<Descriptor> ImageStore::Writer::add_blob(const Fd& source, const std::string& name,
                                                const std::optional<Digest>& expected,
                                                std::string_view media_type) {
  std::string staged = staging_ + "/" + incoming_name;
  HOP_TRY(Fd file, open_fd(staged, O_RDWR | O_CREAT | O_TRUNC, 0600));
  HOP_TRY(Copied copied, copy_and_hash(source, file).context(str("copying ", name)));
  if (expected && copied.digest != *expected) return damaged(name, *expected, copied.digest);
  Descriptor out;
  out.media_type = media_type.empty() ? layer_media_type(file) : std::string(media_type);
  out.digest = copied.digest;
  out.size = copied.size;
  added_ = true;
  HOP_CHECK(move_into(tmp_, incoming_name, store_.blob(out.digest)));
  return out;
}

Result<Descriptor> ImageStore::Writer::add_text(const std::string& text,
                                                std::string_view media_type) {
  Descriptor out;
  out.media_type = media_type;
  out.digest = digest_of(text);
  out.size = text.size();
  // A blob that is right stays the file it is: who runs the image holds a lock on its config.
  auto present = read_file(store_.blob(out.digest), document_limit);
  if (present && *present == text) return out;
  added_ = true;
  HOP_CHECK(replace_file(store_.blob(out.digest), text, 0600));
  return out;
}

Result<ImageStore::Writer::Layer> ImageStore::Writer::add_layer(
    const Fd& source, const std::string& name, const std::optional<Digest>& expected,
    const std::optional<Digest>& diff_id) {
  bool known = diff_id && layer_notes(*diff_id).ok();
  Layer out;
  HOP_TRY(out.blob, add_blob(source, name, expected, ""));
  HOP_TRY(out.diff_id,
          known ? hash_layer(out.blob.digest, name) : unpack_layer(out.blob.digest, name));
  if (diff_id && out.diff_id != *diff_id) return damaged(name, *diff_id, out.diff_id);
  if (!known) HOP_CHECK(keep_unpacked(out.diff_id));
  HOP_TRY(out.notes, layer_notes(out.diff_id));
  return out;
}

Result<void> ImageStore::Writer::keep_unpacked(const Digest& diff_id) {
  if (layer_notes(diff_id)) return remove_tree(tmp_, unpacked_name);
  HOP_TRY(Fd layers, open_fd(store_.folder_ + "/layers", O_RDONLY | O_DIRECTORY));
  HOP_CHECK(remove_tree(layers, std::string(diff_id.hex())));
  return move_into(tmp_, unpacked_name, store_.layer(diff_id));
}

Result<Digest> ImageStore::Writer::hash_layer(const Digest& blob, const std::string& name) {
  HOP_TRY(TarReader reader, open_layer(blob, name));
  return reader.finish(stream_limit());
}

Result<TarReader> ImageStore::Writer::open_layer(const Digest& blob,
                                                 const std::string& name) const {
  HOP_TRY(Fd file, open_fd(store_.blob(blob), O_RDONLY));
  return TarReader::open(std::move(file), name);
}

Result<Digest> ImageStore::Writer::unpack_layer(const Digest& blob, const std::string& name) {
  std::string staged = staging_ + "/" + unpacked_name;
  std::string root = staged + "/diff";
  for (const std::string& path : {staged, root}) {
    // The layer's root is the container's "/": no umask of ours may close it.
    if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0) {
      return Error::from_errno(errno, "making " + path);
    }
  }
  HOP_TRY(Fd directory, open_fd(root, O_RDONLY | O_DIRECTORY));
  HOP_TRY(TarReader reader, open_layer(blob, name));
  HOP_TRY(UnpackReport report, unpack(reader, directory, {store_.whiteouts_, left_}).context(name));
  HOP_TRY(Digest diff_id, reader.finish(stream_limit()));
  left_.bytes -= report.bytes;
  left_.entries -= report.entries;
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

}  // namespace hoplab::image
