// The file systems of a lab host: the computer's own, with what belongs to one host laid over it.

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/proc/host_namespaces.h"
#include "runtime/proc/mounts.h"

namespace hoplab::proc {

namespace {

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// What the host writes below `path` stays with the host. Copy-on-write where overlayfs can do it;
/// otherwise, when an empty folder serves as well, a tmpfs. False when it stays the computer's.
bool make_private_folder(const std::string& path, bool empty_will_do) {
  if (!is_directory(path)) return false;
  std::string name = path.substr(1);
  for (char& c : name) c = c == '/' ? '-' : c;
  std::string base = str(host_layers, '/', name);
  bool made = make_directories(base + "/upper").ok() && make_directories(base + "/work").ok();
  if (made &&
      mount_filesystem("overlay", path, 0,
                       str("lowerdir=", path, ",upperdir=", base, "/upper,workdir=", base, "/work"))
          .ok()) {
    return true;
  }
  return empty_will_do && mount_filesystem("tmpfs", path, MS_NOSUID | MS_NODEV, "mode=755").ok();
}

/// A file that the host shows as its own. /etc/resolv.conf may be a link into the old /run: then
/// the link's end is made in the host's own /run.
Result<void> show_own_file(const std::string& source, const std::string& path) {
  std::array<char, 4096> link{};
  ssize_t n = ::readlink(path.c_str(), link.data(), link.size() - 1);
  if (n > 0) {
    std::string end(link.data(), static_cast<size_t>(n));
    if (end.starts_with("../run/")) end.erase(0, 2);
    if (end.starts_with("/run/")) {
      HOP_CHECK(make_directories(end.substr(0, end.rfind('/'))));
      HOP_TRY(std::string text, read_file(source));
      return write_file(end, text);
    }
  }
  // A computer without the file has no place to show ours; it cannot be made there.
  if (::access(path.c_str(), F_OK) != 0) return {};
  return bind_mount(source, path);
}

}  // namespace

Result<void> prepare_host_mounts(const HostSpec& spec) {
  HOP_TRY(Fd backing, detach_copy(spec.backing));
  HOP_TRY(Fd tools, detach_copy(spec.tools));
  HOP_CHECK(mount_filesystem("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC));
  if (!spec.user_namespace) HOP_CHECK(protect_computer_settings());
  HOP_CHECK(mount_own_sysfs());
  HOP_CHECK(mount_filesystem("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755"));
  for (const char* folder : {"/run/hoplab", host_layers, "/run/netns", "/run/lock"}) {
    HOP_CHECK(make_directories(folder));
  }
  HOP_CHECK(attach_copy(backing, "/run/hoplab"));
  HOP_CHECK(make_directories("/run/hoplab/bin"));
  HOP_CHECK(attach_copy(tools, "/run/hoplab/bin"));
  // A host works without any of these: what finds no place is kept under /run/hoplab.
  for (const char* folder : {"/etc", "/var/lib"}) {
    if (make_private_folder(folder, false)) continue;
    for (const char* part : {"/cni", "/calico", "/kubelet"}) {
      make_private_folder(std::string(folder) + part, true);
    }
  }
  make_private_folder("/var/log", true);
  for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
    HOP_CHECK(show_own_file(str("/run/hoplab/etc/", name), str("/etc/", name)));
  }
  return {};
}

}  // namespace hoplab::proc
