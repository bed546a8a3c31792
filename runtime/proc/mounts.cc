#include "runtime/proc/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::proc {

Result<void> make_mounts_private() {
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Error::from_errno(errno, "making the sandbox's mounts private");
  }
  return {};
}

Result<void> mount_filesystem(const std::string& type, const std::string& target,
                              unsigned long flags, const std::string& options) {
  if (::mount(type.c_str(), target.c_str(), type.c_str(), flags,
              options.empty() ? nullptr : options.c_str()) != 0) {
    return Error::from_errno(errno, "mounting " + type + " on " + target);
  }
  return {};
}

Result<void> bind_mount(const std::string& source, const std::string& target, bool recursive) {
  unsigned long flags = recursive ? MS_BIND | MS_REC : MS_BIND;
  if (::mount(source.c_str(), target.c_str(), nullptr, flags, nullptr) != 0) {
    return Error::from_errno(errno, "binding " + source + " to " + target);
  }
  return {};
}

Result<Fd> detach_copy(const std::string& path) {
  int tree =
      ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (tree < 0) return Error::from_errno(errno, "copying the mount " + path);
  return Fd(tree);
}

Result<void> attach_copy(const Fd& tree, const std::string& target) {
  if (::move_mount(tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return Error::from_errno(errno, "mounting on " + target);
  }
  return {};
}

Result<void> mount_own_sysfs() {
  auto cgroups = detach_copy("/sys/fs/cgroup");
  HOP_CHECK(mount_filesystem("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (cgroups) HOP_CHECK(attach_copy(*cgroups, "/sys/fs/cgroup"));
  return {};
}

namespace {

Result<void> bind_with_flags(const std::string& path, unsigned long flags) {
  HOP_CHECK(bind_mount(path, path));
  constexpr unsigned long kept = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount("none", path.c_str(), nullptr, MS_REMOUNT | MS_BIND | kept | flags, nullptr) != 0) {
    return Error::from_errno(errno, "protecting " + path);
  }
  return {};
}

}  // namespace

Result<void> protect_computer_settings() {
  HOP_CHECK(bind_with_flags("/proc/sys", MS_RDONLY));
  HOP_CHECK(bind_with_flags("/proc/sys/net", 0));
  if (::access("/proc/sysrq-trigger", F_OK) != 0) return {};
  return bind_with_flags("/proc/sysrq-trigger", MS_RDONLY);
}

}  // namespace hoplab::proc
