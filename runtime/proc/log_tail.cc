#include "runtime/proc/log_tail.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::proc {

Result<void> keep_log_tail(int fd, off_t most, off_t keep) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error::from_errno(errno, "looking at the log");
  if (!S_ISREG(info.st_mode) || info.st_size <= most) return {};
  std::string tail(static_cast<size_t>(keep), '\0');
  ssize_t got = ::pread(fd, tail.data(), tail.size(), info.st_size - keep);
  if (got < 0) return Error::from_errno(errno, "reading the log's end");
  tail.resize(static_cast<size_t>(got));
  // The first line is but a part.
  if (size_t line = tail.find('\n'); line != std::string::npos) tail.erase(0, line + 1);
  if (::ftruncate(fd, 0) != 0) return Error::from_errno(errno, "shortening the log");
  return write_all(fd,
                   str("(older lines were removed: the log had ", info.st_size, " bytes)\n", tail));
}

}  // namespace hoplab::proc
