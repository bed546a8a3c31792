#include "cmd/docker_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::docker {

namespace {

using Write = std::function<Result<void>(int fd)>;

struct Freed {
  void operator()(char* text) const { std::free(text); }
};

/// Where links lead; the path itself when there is nothing yet.
std::string behind_links(const std::string& path) {
  std::unique_ptr<char, Freed> real(::realpath(path.c_str(), nullptr));
  return real ? std::string(real.get()) : path;
}

Result<void> write_beside(const std::string& path, const Write& write) {
  std::string partial = path.substr(0, path.rfind('/') + 1) + ".hoplab-save-XXXXXX";
  // A name of its own that nothing stands under, so no link either.
  const Fd file(::mkostemp(partial.data(), O_CLOEXEC));
  if (!file) return Error::from_errno(errno, "making a file beside " + path);
  auto written = write(file.get());
  if (written && ::rename(partial.c_str(), path.c_str()) != 0) {
    written = Error::from_errno(errno, "writing " + path);
  }
  if (!written) ::unlink(partial.c_str());
  return written;
}

}  // namespace

Result<void> write_output(const std::string& path, const Write& write) {
  struct stat there {};
  struct stat own {};
  const bool exists = ::stat(path.c_str(), &there) == 0;
  if (!exists && errno != ENOENT) return Error::from_errno(errno, "looking at " + path);
  if (exists && S_ISDIR(there.st_mode)) {
    return Error(ErrorCode::invalid, path + " is a folder; name a file");
  }
  if (exists && ::fstat(STDOUT_FILENO, &own) == 0 && own.st_dev == there.st_dev &&
      own.st_ino == there.st_ino) {
    return write(STDOUT_FILENO);
  }
  if (!exists || S_ISREG(there.st_mode)) return write_beside(behind_links(path), write);
  HOP_TRY(const Fd file, open_fd(path, O_WRONLY | O_NOCTTY));
  return write(file.get());
}

}  // namespace hoplab::cmd::docker
