#include "runtime/base/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace hoplab {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Fd> Fd::duplicate() const {
  int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return Error::from_errno(errno, "duplicating a file descriptor");
  return Fd(copy);
}

Result<Fd> open_fd(const std::string& path, int flags, unsigned mode) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  if (fd < 0) return Error::from_errno(errno, "opening " + path);
  return Fd(fd);
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error::from_errno(errno, "making a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<void> set_nonblocking(int fd, bool on) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return Error::from_errno(errno, "reading descriptor flags");
  int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && ::fcntl(fd, F_SETFL, wanted) < 0) {
    return Error::from_errno(errno, "setting descriptor flags");
  }
  return {};
}

Result<void> write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Error::from_errno(errno, "writing");
    }
    data.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<std::string> read_all(int fd, size_t limit) {
  std::string out;
  std::array<char, 65536> chunk;
  for (;;) {
    ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Error::from_errno(errno, "reading");
    }
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > limit) {
      return Error(ErrorCode::too_large, "more than " + std::to_string(limit) + " bytes");
    }
    out.append(chunk.data(), static_cast<size_t>(n));
  }
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  HOP_TRY(Fd fd, open_fd(path, O_RDONLY));
  return read_all(fd.get(), limit).context("reading " + path);
}

Result<void> write_file(const std::string& path, std::string_view data, unsigned mode) {
  HOP_TRY(Fd fd, open_fd(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  return write_all(fd.get(), data).context("writing " + path);
}

Result<void> replace_file(const std::string& path, std::string_view data, unsigned mode) {
  std::string temporary = path + ".tmp." + std::to_string(::getpid());
  auto written = write_file(temporary, data, mode);
  if (written && std::rename(temporary.c_str(), path.c_str()) != 0) {
    written = Error::from_errno(errno, "renaming " + temporary + " to " + path);
  }
  if (!written) ::unlink(temporary.c_str());
  return written;
}

}  // namespace hoplab
