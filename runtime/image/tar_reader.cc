#include "runtime/image/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::image {

namespace {

constexpr size_t read_size = 256U << 10U;

std::string text_of(const char* utf8, const char* raw) {
  // A name from a pax header is UTF-8, whatever this process's locale is.
  const char* text = utf8 != nullptr ? utf8 : raw;
  return text == nullptr ? std::string() : std::string(text);
}

EntryKind kind_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_hardlink_utf8(entry) != nullptr) {
    return EntryKind::hardlink;
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return EntryKind::file;
    case AE_IFDIR:
      return EntryKind::directory;
    case AE_IFLNK:
      return EntryKind::symlink;
    case AE_IFIFO:
      return EntryKind::fifo;
    case AE_IFCHR:
    case AE_IFBLK:
      return EntryKind::device;
    default:
      return EntryKind::other;
  }
}

std::string capability_of(archive_entry* entry) {
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (name != nullptr && std::string_view(name) == "security.capability") {
      return {static_cast<const char*>(value), size};
    }
  }
  return {};
}

TarEntry value_of(archive_entry* entry) {
  TarEntry out;
  out.kind = kind_of(entry);
  out.path = text_of(archive_entry_pathname_utf8(entry), archive_entry_pathname(entry));
  out.link = out.kind == EntryKind::hardlink
                 ? text_of(archive_entry_hardlink_utf8(entry), archive_entry_hardlink(entry))
                 : text_of(archive_entry_symlink_utf8(entry), archive_entry_symlink(entry));
  out.mode = archive_entry_perm(entry) & 07777U;
  out.uid = archive_entry_uid(entry);
  out.gid = archive_entry_gid(entry);
  out.mtime = archive_entry_mtime(entry);
  out.size = archive_entry_size(entry) < 0 ? 0 : static_cast<uint64_t>(archive_entry_size(entry));
  out.capability = capability_of(entry);
  return out;
}

Result<void> write_at(int fd, const void* data, size_t size, int64_t offset) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t n = ::pwrite(fd, bytes, size, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "writing");
    bytes += n;
    size -= static_cast<size_t>(n);
    offset += n;
  }
  return {};
}

}  // namespace

/// Two readers of libarchive: the first only decompresses, so that the uncompressed bytes can be
/// hashed on their way to the second, which reads tar.
struct TarReader::State {
  struct ArchiveDeleter {
    void operator()(archive* it) const { archive_read_free(it); }
  };
  using ArchivePtr = std::unique_ptr<archive, ArchiveDeleter>;

  Fd file;
  std::string name;
  ArchivePtr plain;
  ArchivePtr tar;
  Hasher hasher;
  uint64_t bytes = 0;
  TarEntry entry;

  [[nodiscard]] Error failed(archive* from) const {
    const char* said = archive_error_string(from);
    return Error(ErrorCode::bad_request,
                 str("reading ", name, ": ", said == nullptr ? "not a tar archive" : said));
  }

  /// The next uncompressed bytes; 0 at the end, -1 on failure.
  la_ssize_t pull(const void** out) {
    size_t size = 0;
    la_int64_t offset = 0;
    int rc = archive_read_data_block(plain.get(), out, &size, &offset);
    if (rc == ARCHIVE_EOF) return 0;
    if (rc < ARCHIVE_WARN) {
      const char* said = archive_error_string(plain.get());
      if (tar) archive_set_error(tar.get(), EINVAL, "%s", said == nullptr ? "damaged" : said);
      return -1;
    }
    hasher.add(std::string_view(static_cast<const char*>(*out), size));
    bytes += size;
    return static_cast<la_ssize_t>(size);
  }

  Result<void> open_plain() {
    plain.reset(archive_read_new());
    archive* it = plain.get();
    // Not support_filter_all: that runs other programs for some compressions.
    archive_read_support_filter_gzip(it);
    archive_read_support_filter_zstd(it);
    archive_read_support_filter_xz(it);
    archive_read_support_filter_bzip2(it);
    archive_read_support_format_raw(it);
    archive_read_support_format_empty(it);
    if (archive_read_open_fd(it, file.get(), read_size) != ARCHIVE_OK) return failed(it);
    archive_entry* unused = nullptr;
    int rc = archive_read_next_header(it, &unused);
    if (rc == ARCHIVE_EOF) return Error(ErrorCode::bad_request, str("reading ", name, ": empty"));
    if (rc != ARCHIVE_OK) return failed(it);
    return {};
  }

  Result<void> open_tar() {
    tar.reset(archive_read_new());
    archive_read_support_format_tar(tar.get());
    auto read = [](archive*, void* self, const void** out) {
      return static_cast<State*>(self)->pull(out);
    };
    if (archive_read_open(tar.get(), this, nullptr, read, nullptr) != ARCHIVE_OK) {
      return failed(tar.get());
    }
    return {};
  }
};

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::~TarReader() = default;
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;

Result<TarReader> TarReader::open(Fd file, std::string name) {
  auto state = std::make_unique<State>();
  state->file = std::move(file);
  state->name = std::move(name);
  HOP_CHECK(state->open_plain());
  HOP_CHECK(state->open_tar());
  return TarReader(std::move(state));
}

Result<bool> TarReader::next() {
  archive_entry* entry = nullptr;
  int rc = archive_read_next_header(state_->tar.get(), &entry);
  if (rc == ARCHIVE_EOF) return false;
  // A warning is about a name that this locale cannot show; the UTF-8 form is there all the same.
  if (rc < ARCHIVE_WARN) return state_->failed(state_->tar.get());
  state_->entry = value_of(entry);
  return true;
}

const TarEntry& TarReader::entry() const {
  return state_->entry;
}

Result<uint64_t> TarReader::write_content(int fd, uint64_t limit) {
  uint64_t written = 0;
  uint64_t end = 0;
  for (;;) {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    int rc = archive_read_data_block(state_->tar.get(), &data, &size, &offset);
    if (rc == ARCHIVE_EOF) break;
    if (rc < ARCHIVE_WARN) return state_->failed(state_->tar.get());
    end = static_cast<uint64_t>(offset) + size;
    if (offset < 0 || end > limit) {
      return Error(ErrorCode::too_large, str("its content goes past ", limit, " bytes"));
    }
    HOP_CHECK(write_at(fd, data, size, offset));
    written += size;
  }
  // A hole at the end has no data block.
  if (state_->entry.size > end && state_->entry.size <= limit &&
      ::ftruncate(fd, static_cast<off_t>(state_->entry.size)) != 0) {
    return Error::from_errno(errno, "making the file's size");
  }
  return written;
}

Result<Digest> TarReader::finish(uint64_t limit) {
  for (;;) {
    if (state_->bytes > limit) {
      return Error(ErrorCode::too_large,
                   str(state_->name, " is larger than the allowed ", limit, " bytes"));
    }
    const void* unused = nullptr;
    la_ssize_t size = state_->pull(&unused);
    if (size == 0) break;
    if (size < 0) return state_->failed(state_->plain.get());
  }
  return state_->hasher.finish();
}

uint64_t TarReader::bytes_read() const {
  return state_->bytes;
}

}  // namespace hoplab::image
