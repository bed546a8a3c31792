#include "runtime/agent/volume_owner.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/text.h"
#include "runtime/proc/mounts.h"
#include "store/api/quantity.h"

namespace hoplab::agent {

namespace fs = std::filesystem;

namespace {

constexpr mode_t group_reads = 0440;
constexpr mode_t group_writes = 0660;
constexpr mode_t group_enters = 0110;

Result<void> give(const std::string& path, gid_t group, mode_t rights) {
  const std::string what = str("giving ", path, " to group ", group);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return Error::from_errno(errno, what);
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), group) != 0) {
    return Error::from_errno(errno, what);
  }
  if (S_ISLNK(info.st_mode)) return {};
  mode_t mode = (info.st_mode & 07777U) | rights;
  if (S_ISDIR(info.st_mode)) mode |= static_cast<mode_t>(S_ISGID) | group_enters;
  if (::chmod(path.c_str(), mode) != 0) return Error::from_errno(errno, what);
  return {};
}

bool has_tmpfs(const std::string& folder) {
  struct statfs here {};
  struct statfs above {};
  constexpr long tmpfs_magic = 0x01021994;
  if (::statfs(folder.c_str(), &here) != 0 || ::statfs((folder + "/..").c_str(), &above) != 0) {
    return false;
  }
  struct stat own {};
  struct stat parent {};
  if (::stat(folder.c_str(), &own) != 0 || ::stat((folder + "/..").c_str(), &parent) != 0) {
    return false;
  }
  return here.f_type == tmpfs_magic && own.st_dev != parent.st_dev;
}

}  // namespace

std::optional<uint32_t> wanted_fs_group(const PodRecord& pod) {
  const Json& group = at_path(pod.object, "spec.securityContext.fsGroup");
  if (!group.is_number_integer()) return std::nullopt;
  return group.get<uint32_t>();
}

Result<void> give_to_group(const std::string& folder, std::optional<uint32_t> group,
                           bool read_only) {
  if (!group) return {};
  const mode_t rights = read_only ? group_reads : group_writes;
  HOP_CHECK(give(folder, *group, rights));
  std::error_code code;
  for (auto it = fs::recursive_directory_iterator(folder, code);
       !code && it != fs::recursive_directory_iterator(); it.increment(code)) {
    HOP_CHECK(give(it->path(), *group, rights));
  }
  if (code) return Error::from_errno(code.value(), "looking through " + folder);
  return {};
}

Result<void> mount_memory(const std::string& folder, const Json& empty_dir) {
  if (has_tmpfs(folder)) return {};
  std::string options = "mode=777";
  if (const Json& limit = member(empty_dir, "sizeLimit"); !limit.is_null()) {
    HOP_TRY(const auto size, api::quantity_of(limit).context("emptyDir.sizeLimit"));
    // 0 is no limit, for Kubernetes as for the kernel.
    options += str(",size=", size.value());
  }
  return proc::mount_filesystem("tmpfs", folder, MS_NOSUID | MS_NODEV, options);
}

void unmount_memory(const std::string& pod_folder) {
  std::error_code code;
  for (const auto& entry :
       fs::directory_iterator(pod_folder + "/volumes/kubernetes.io~emptyDir", code)) {
    if (has_tmpfs(entry.path())) (void)::umount2(entry.path().c_str(), MNT_DETACH);
  }
}

}  // namespace hoplab::agent
