#include "runtime/image/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "runtime/base/text.h"

namespace hoplab::image {

struct TarWriter::State {
  struct WriterDeleter {
    void operator()(archive* it) const { archive_write_free(it); }
  };
  struct EntryDeleter {
    void operator()(archive_entry* it) const { archive_entry_free(it); }
  };
  std::unique_ptr<archive, WriterDeleter> tar{archive_write_new()};

  [[nodiscard]] Error failed(const std::string& what) const {
    const char* said = archive_error_string(tar.get());
    return Error(ErrorCode::system,
                 str("writing ", what, ": ", said == nullptr ? "unknown failure" : said));
  }

  Result<void> header(const std::string& path, unsigned type, unsigned mode, int64_t size) {
    std::unique_ptr<archive_entry, EntryDeleter> entry(archive_entry_new());
    archive_entry_set_pathname_utf8(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), mode);
    archive_entry_set_size(entry.get(), size);
    archive_entry_set_mtime(entry.get(), 0, 0);
    if (archive_write_header(tar.get(), entry.get()) != ARCHIVE_OK) return failed(path);
    return {};
  }

  Result<void> content(const std::string& path, std::string_view bytes) {
    while (!bytes.empty()) {
      la_ssize_t n = archive_write_data(tar.get(), bytes.data(), bytes.size());
      if (n <= 0) return failed(path);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }
};

TarWriter::TarWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarWriter::~TarWriter() = default;
TarWriter::TarWriter(TarWriter&&) noexcept = default;
TarWriter& TarWriter::operator=(TarWriter&&) noexcept = default;

Result<TarWriter> TarWriter::open(int fd) {
  auto state = std::make_unique<State>();
  archive* it = state->tar.get();
  archive_write_set_format_pax_restricted(it);
  archive_write_add_filter_none(it);
  archive_write_set_bytes_in_last_block(it, 1);
  if (archive_write_open_fd(it, fd) != ARCHIVE_OK) return state->failed("an archive");
  return TarWriter(std::move(state));
}

Result<void> TarWriter::add_directory(const std::string& path) {
  return state_->header(path, AE_IFDIR, 0755, 0);
}

Result<void> TarWriter::add_text(const std::string& path, std::string_view text) {
  HOP_CHECK(state_->header(path, AE_IFREG, 0644, static_cast<int64_t>(text.size())));
  return state_->content(path, text);
}

Result<void> TarWriter::add_file(const std::string& path, const Fd& file) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return Error::from_errno(errno, "looking at " + path);
  HOP_CHECK(state_->header(path, AE_IFREG, 0644, info.st_size));
  std::vector<char> buffer(256U << 10U);
  for (off_t at = 0; at < info.st_size;) {
    ssize_t n = ::pread(file.get(), buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::from_errno(errno, "reading " + path);
    if (n == 0) return Error(ErrorCode::system, path + ": became shorter while it was read");
    HOP_CHECK(state_->content(path, {buffer.data(), static_cast<size_t>(n)}));
    at += n;
  }
  return {};
}

Result<void> TarWriter::close() {
  if (archive_write_close(state_->tar.get()) != ARCHIVE_OK) return state_->failed("the archive");
  return {};
}

}  // namespace hoplab::image
