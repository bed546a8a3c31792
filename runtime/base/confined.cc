#include "runtime/base/confined.h"

#include <fcntl.h>
#include <linux/openat2.h>
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
  long fd = ::syscall(SYS_openat2, root.get(), text.c_str(), &how, sizeof(how));
  if (fd < 0) return Error::from_errno(errno, str("opening ", text));
  return Fd(static_cast<int>(fd));
}

}  // namespace hoplab
