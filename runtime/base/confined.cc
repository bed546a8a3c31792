#include "runtime/base/confined.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab {

Result<Fd> open_in_root(const Fd& root, std::string_view path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  std::string text(path.empty() ? "." : path);
  // EAGAIN: something was renamed while the kernel walked up by ".."; openat2(2) says to try again.
  constexpr int most_attempts = 10'000;
  long fd = -1;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    fd = ::syscall(SYS_openat2, root.get(), text.c_str(), &how, sizeof(how));
    if (fd >= 0 || errno != EAGAIN) break;
  }
  if (fd < 0) return Error::from_errno(errno, str("opening ", text));
  return Fd(static_cast<int>(fd));
}

Result<Fd> open_file_in_root(const Fd& root, std::string_view path) {
  // O_NONBLOCK: opening a fifo must not wait for a writer.
  HOP_TRY(Fd file, open_in_root(root, path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return Error::from_errno(errno, str("looking at ", path));
  if (!S_ISREG(info.st_mode)) {
    return Error(ErrorCode::bad_request, str(path, ": not a regular file"));
  }
  return file;
}

}  // namespace hoplab
