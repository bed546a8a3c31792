#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "runtime/base/result.h"

namespace hoplab {

/// Sole owner of a file descriptor; closes it at the end. All our descriptors are close-on-exec.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  /// Gives the descriptor away; the caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  /// A second descriptor for the same open file (close-on-exec).
  [[nodiscard]] Result<Fd> duplicate() const;

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read_end;
  Fd write_end;
};

/// open(2) with O_CLOEXEC added; the error names the path.
Result<Fd> open_fd(const std::string& path, int flags, unsigned mode = 0600);
Result<Pipe> make_pipe();
Result<void> set_nonblocking(int fd, bool on);

/// Writes all of `data`, across short writes and EINTR. Blocks on a blocking descriptor.
Result<void> write_all(int fd, std::string_view data);
/// Reads to the end of the file; fails with `too_large` past `limit` bytes.
Result<std::string> read_all(int fd, size_t limit = 64U << 20U);
Result<std::string> read_file(const std::string& path, size_t limit = 64U << 20U);
/// Writes a file in place (for /proc and /sys, and files nobody reads meanwhile).
Result<void> write_file(const std::string& path, std::string_view data, unsigned mode = 0644);
/// Writes a temporary file beside `path` and renames it: readers see the old or the new text.
Result<void> replace_file(const std::string& path, std::string_view data, unsigned mode = 0644);

}  // namespace hoplab
