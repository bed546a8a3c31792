#include "runtime/proc/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr size_t batch_limit = 64U << 10U;

/// Every directory above the file; an existing one is fine.
Result<void> make_parents(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    std::string directory = path.substr(0, at);
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
      return Error::from_errno(errno, "making directory " + directory);
    }
  }
  return {};
}

std::string numbered(const std::string& path, int64_t number) {
  return number == 0 ? path : str(path, ".", number);
}

}  // namespace

Result<LogWriter> LogWriter::open(const LogSpec& spec) {
  LogWriter writer;
  writer.spec_ = spec;
  if (spec.path.empty()) return writer;
  HOP_CHECK(make_parents(spec.path));
  HOP_TRY(writer.fd_, open_fd(spec.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640));
  struct stat info {};
  if (::fstat(writer.fd_.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error(ErrorCode::invalid, "log file " + spec.path + " is not a regular file");
  }
  writer.size_ = info.st_size;
  return writer;
}

void LogWriter::write(LogStream stream, std::string_view bytes, WallTime now) {
  if (!fd_) return;
  std::string& kept = pending(stream);
  while (!bytes.empty()) {
    size_t room = max_log_line - kept.size();
    size_t newline = bytes.find('\n');
    if (newline != std::string_view::npos && newline <= room) {
      if (kept.empty()) {
        emit(stream, false, bytes.substr(0, newline), now);
      } else {
        kept.append(bytes.substr(0, newline));
        emit(stream, false, kept, now);
        kept.clear();
      }
      bytes.remove_prefix(newline + 1);
    } else if (bytes.size() <= room) {
      kept.append(bytes);
      break;
    } else {
      kept.append(bytes.substr(0, room));
      bytes.remove_prefix(room);
      emit(stream, true, kept, now);
      kept.clear();
    }
  }
  flush_batch();
}

void LogWriter::finish(WallTime now) {
  for (LogStream stream : {LogStream::standard_output, LogStream::standard_error}) {
    if (fd_ && !pending(stream).empty()) emit(stream, false, pending(stream), now);
    pending(stream).clear();
  }
  flush_batch();
}

std::string LogWriter::take_failure() {
  return std::exchange(failure_, {});
}

void LogWriter::emit(LogStream stream, bool partial, std::string_view text, WallTime now) {
  batch_ += format_log_entry({now, stream, partial, text});
  if (batch_.size() >= batch_limit) flush_batch();
}

void LogWriter::flush_batch() {
  if (batch_.empty()) return;
  if (spec_.max_bytes > 0 && size_ > 0 &&
      size_ + static_cast<int64_t>(batch_.size()) > spec_.max_bytes) {
    if (auto rotated = rotate(); !rotated && failure_.empty()) {
      failure_ = rotated.error().message();
    }
  }
  auto written = write_all(fd_.get(), batch_);
  if (!written && failure_.empty()) {
    failure_ = str("log ", spec_.path, ": ", written.error().message(), "; lines are lost");
  }
  size_ += static_cast<int64_t>(batch_.size());
  batch_.clear();
}

Result<void> LogWriter::rotate() {
  if (spec_.max_files <= 1) {
    if (::ftruncate(fd_.get(), 0) != 0) return Error::from_errno(errno, "emptying " + spec_.path);
    size_ = 0;
    return {};
  }
  for (int64_t number = spec_.max_files - 1; number > 0; --number) {
    std::string from = numbered(spec_.path, number - 1);
    if (std::rename(from.c_str(), numbered(spec_.path, number).c_str()) != 0 && errno != ENOENT) {
      return Error::from_errno(errno, "rotating " + from);
    }
  }
  HOP_TRY(fd_, open_fd(spec_.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640));
  size_ = 0;
  return {};
}

}  // namespace hoplab::proc
