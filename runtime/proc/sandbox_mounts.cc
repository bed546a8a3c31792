#include "runtime/proc/sandbox_mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/directory.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/proc/mounts.h"

namespace hoplab::proc {

Result<void> prepare_sandbox_mounts(const std::string& executable,
                                    const std::vector<std::string>& tools, bool user_namespace) {
  HOP_CHECK(make_mounts_private());
  HOP_TRY(Fd program, detach_copy(executable));
  HOP_CHECK(mount_filesystem("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (!user_namespace) HOP_CHECK(protect_computer_settings());
  HOP_CHECK(mount_own_sysfs());
  HOP_CHECK(mount_filesystem("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755"));
  for (const char* folder : {inside::tools, inside::nodes, inside::netns, "/run/lock"}) {
    HOP_CHECK(make_directories(folder));
  }
  HOP_CHECK(write_file(inside::executable, "", 0755));
  HOP_CHECK(attach_copy(program, inside::executable));
  for (const auto& tool : tools) {
    std::string link = str(inside::tools, '/', tool);
    if (::symlink("hoplab", link.c_str()) != 0) return Error::from_errno(errno, "linking " + link);
  }
  return {};
}

Result<void> write_files(const std::string& folder, const std::vector<HostFile>& files) {
  HOP_CHECK(make_directories(folder));
  for (const auto& file : files) {
    std::string path = str(folder, '/', file.path);
    HOP_CHECK(make_directories(path.substr(0, path.rfind('/'))));
    HOP_CHECK(replace_file(path, file.text, file.mode));
  }
  return {};
}

Result<void> name_netns(int fd, const std::string& name) {
  std::string path = str(inside::netns, '/', name);
  if (::umount2(path.c_str(), MNT_DETACH) != 0 && errno == ENOENT) {
    HOP_CHECK(write_file(path, "", 0444));
  }
  return bind_mount(str("/proc/self/fd/", fd), path);
}

}  // namespace hoplab::proc
