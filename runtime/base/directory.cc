#include "runtime/base/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "runtime/base/text.h"

namespace hoplab {

namespace {

struct DirectoryCloser {
  void operator()(DIR* it) const { ::closedir(it); }
};

/// The names first, then the work: removing while reading skips entries on some file systems.
Result<std::vector<std::string>> names_in(const Fd& directory) {
  HOP_TRY(Fd copy, directory.duplicate());
  std::unique_ptr<DIR, DirectoryCloser> stream(::fdopendir(copy.get()));
  if (!stream) return Error::from_errno(errno, "reading a directory");
  (void)copy.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

/// Archives can nest directories deeper than there are descriptors (or stack), so a subdirectory is
/// moved up beside its parent before it is emptied: one directory is open at a time.
class TreeRemover {
 public:
  explicit TreeRemover(const Fd& parent) : parent_(parent) {}

  Result<void> remove(const std::string& name) {
    HOP_TRY(bool gone, unlink(parent_, name));
    if (!gone) directories_.push_back(name);
    while (!directories_.empty()) {
      std::string next = std::move(directories_.back());
      directories_.pop_back();
      HOP_CHECK(empty(next).context("removing " + next));
      if (::unlinkat(parent_.get(), next.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return Error::from_errno(errno, "removing " + next);
      }
    }
    return {};
  }

 private:
  /// False when it is a directory.
  static Result<bool> unlink(const Fd& parent, const std::string& name) {
    if (::unlinkat(parent.get(), name.c_str(), 0) == 0 || errno == ENOENT) return true;
    if (errno == EISDIR) return false;
    return Error::from_errno(errno, "removing " + name);
  }

  Result<void> empty(const std::string& name) {
    // An image's directory may be closed for its owner, which we are.
    ::fchmodat(parent_.get(), name.c_str(), 0700, 0);
    int fd = ::openat(parent_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return Error::from_errno(errno, "opening it");
    Fd directory(fd);
    HOP_TRY(std::vector<std::string> names, names_in(directory));
    for (const std::string& each : names) {
      HOP_TRY(bool gone, unlink(directory, each));
      if (!gone) HOP_CHECK(move_up(directory, each));
    }
    return {};
  }

  Result<void> move_up(const Fd& directory, const std::string& name) {
    ::fchmodat(directory.get(), name.c_str(), 0700, 0);  // moving writes into it, too ("..")
    for (;;) {
      std::string to = str(".removing.", ::getpid(), ".", ++count_);
      if (::renameat2(directory.get(), name.c_str(), parent_.get(), to.c_str(), RENAME_NOREPLACE) ==
          0) {
        directories_.push_back(std::move(to));
        return {};
      }
      if (errno != EEXIST) return Error::from_errno(errno, "moving " + name);
    }
  }

  const Fd& parent_;
  std::vector<std::string> directories_;
  uint64_t count_ = 0;
};

}  // namespace

Result<void> make_directories(const std::string& path, unsigned mode) {
  for (size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), static_cast<mode_t>(mode)) != 0 && errno != EEXIST) {
      // An existing folder above that may not be written is fine too.
      struct stat info {};
      int why = errno;
      if (::stat(part.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        return Error::from_errno(why, "making folder " + part);
      }
    }
    if (at != std::string::npos) ++at;
  }
  return {};
}

Result<void> remove_tree(const Fd& parent, const std::string& name) {
  return TreeRemover(parent).remove(name);
}

}  // namespace hoplab
