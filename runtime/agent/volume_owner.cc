#include "runtime/agent/volume_owner.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <filesystem>
#include <vector>

#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/proc/mounts.h"
#include "store/api/quantity.h"

namespace hoplab::agent {

namespace fs = std::filesystem;

namespace {

constexpr mode_t group_reads = 0440;
constexpr mode_t group_writes = 0660;
constexpr mode_t group_enters = 0110;

/// What `entry` (O_PATH) is now, not what stands at its name later: a container that uses the
/// volume may put a link to a file of the node there at any time.
Result<bool> give(const Fd& entry, gid_t group, mode_t rights) {
  struct stat info {};
  if (::fstat(entry.get(), &info) != 0) return Error::from_errno(errno, "looking at it");
  if (::fchownat(entry.get(), "", static_cast<uid_t>(-1), group, AT_EMPTY_PATH) != 0) {
    return Error::from_errno(errno, "changing its group");
  }
  if (S_ISLNK(info.st_mode)) return false;
  mode_t mode = (info.st_mode & 07777U) | rights;
  if (S_ISDIR(info.st_mode)) mode |= static_cast<mode_t>(S_ISGID) | group_enters;
  // fchmod(2) refuses an O_PATH descriptor; this leads to the very same file.
  if (::chmod(str("/proc/self/fd/", entry.get()).c_str(), mode) != 0) {
    return Error::from_errno(errno, "changing its mode");
  }
  return S_ISDIR(info.st_mode);
}

/// It was there when its folder was read, and has gone or been replaced since.
bool has_changed(const Error& error) {
  return error.sys_errno() == ENOENT || error.sys_errno() == ELOOP || error.sys_errno() == ENOTDIR;
}

Result<std::vector<std::string>> names_in(const Fd& root, const std::string& way) {
  std::vector<std::string> names;
  auto folder = open_in_root(root, way, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!folder && has_changed(folder.error())) return names;
  if (!folder) return std::move(folder).error();
  std::error_code code;
  for (fs::directory_iterator it(str("/proc/self/fd/", folder->get()), code), end;
       !code && it != end; it.increment(code)) {
    names.push_back(it->path().filename());
  }
  if (code) return Error::from_errno(code.value(), "reading it");
  return names;
}

/// Everything below `root`, at any depth, with two descriptors. Ways are resolved inside `root`.
Result<void> give_below(const Fd& root, gid_t group, mode_t rights) {
  std::vector<std::string> folders{"."};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    HOP_TRY(std::vector<std::string> names, names_in(root, folder).context(folder));
    for (const std::string& name : names) {
      std::string way = str(folder, "/", name);
      auto entry = open_in_root(root, way, O_PATH | O_NOFOLLOW);
      if (!entry && has_changed(entry.error())) continue;
      if (!entry) return std::move(entry).error();
      HOP_TRY(bool is_folder, give(*entry, group, rights).context(way));
      if (is_folder) folders.push_back(std::move(way));
    }
  }
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
  // An object from before the API checked the range: such a group can own nothing.
  if (!group.is_number_integer() || group < 0 || group > INT32_MAX) return std::nullopt;
  return group.get<uint32_t>();
}

Result<void> give_to_group(const std::string& folder, std::optional<uint32_t> group,
                           bool read_only) {
  if (!group) return {};
  const mode_t rights = read_only ? group_reads : group_writes;
  const std::string what = str("giving ", folder, " to group ", *group);
  HOP_TRY(Fd root, open_fd(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW).context(what));
  HOP_CHECK(give(root, *group, rights).context(what));
  return give_below(root, *group, rights).context(what);
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
