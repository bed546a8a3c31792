#include "runtime/proc/rootfs_mount.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/text.h"

namespace hoplab::proc {

Result<Fd> clone_tree(const std::string& path) {
  int fd = ::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  if (fd < 0) return Error::from_errno(errno, "mounting " + path);
  return Fd(fd);
}

Result<Fd> clone_tree_without_links(const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const Fd place(
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
  if (!place && errno == ELOOP) {
    return Error(ErrorCode::forbidden,
                 "mounting " + path + ": a symbolic link was put on the way there");
  }
  if (!place) return Error::from_errno(errno, "mounting " + path);
  int fd = ::open_tree(place.get(), "",
                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
  if (fd < 0) return Error::from_errno(errno, "mounting " + path);
  return Fd(fd);
}

Result<void> set_attributes(const Fd& tree, uint64_t attributes, bool recursive) {
  mount_attr change{};
  change.attr_set = attributes;
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);
  if (::mount_setattr(tree.get(), "", flags, &change, sizeof(change)) != 0) {
    return Error::from_errno(errno, "setting mount attributes");
  }
  return {};
}

Result<Fd> new_filesystem(const char* type,
                          std::initializer_list<std::pair<const char*, std::string>> options,
                          uint64_t attributes) {
  Fd context(::fsopen(type, FSOPEN_CLOEXEC));
  if (!context) return Error::from_errno(errno, str("making a ", type));
  for (const auto& [key, value] : options) {
    bool failed = value.empty()
                      ? ::fsconfig(context.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) != 0
                      : ::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0;
    if (failed) return Error::from_errno(errno, str("making a ", type, " with ", key, "=", value));
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return Error::from_errno(errno, str("making a ", type));
  }
  int fd = ::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (fd < 0) return Error::from_errno(errno, str("making a ", type));
  return Fd(fd);
}

Result<void> attach(const Fd& tree, const Fd& target) {
  if (::move_mount(tree.get(), "", target.get(), "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return Error::from_errno(errno, "attaching a mount");
  }
  return {};
}

}  // namespace hoplab::proc
