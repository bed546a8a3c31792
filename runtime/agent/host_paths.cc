#include "runtime/agent/host_paths.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "runtime/proc/host_namespaces.h"

namespace hoplab::agent {

namespace fs = std::filesystem;

namespace {

/// Of the computer, and nobody's secret.
constexpr std::array readable{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/sys", "/proc"};

bool lies_in(const fs::path& path, const fs::path& folder) {
  auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

/// Laid over the computer's: in memory or copy-on-write, unlike the root.
bool is_own(const char* folder) {
  struct statfs kind {};
  struct stat info {};
  struct stat root {};
  return ::statfs(folder, &kind) == 0 && ::stat(folder, &info) == 0 && ::stat("/", &root) == 0 &&
         (kind.f_type == TMPFS_MAGIC || kind.f_type == OVERLAYFS_SUPER_MAGIC) &&
         info.st_dev != root.st_dev;
}

}  // namespace

HostPaths::HostPaths(std::vector<std::string> own_folders)
    : in_lab_(true), own_(std::move(own_folders)) {}

HostPaths HostPaths::of_this_node() {
  if (!fs::exists(proc::host_layers)) return {};
  std::vector<std::string> own;
  for (const char* folder : {"/run", "/etc", "/etc/cni", "/etc/calico", "/etc/kubelet", "/var/lib",
                             "/var/lib/cni", "/var/lib/calico", "/var/lib/kubelet", "/var/log"}) {
    const bool told = std::any_of(own.begin(), own.end(),
                                  [&](const std::string& above) { return lies_in(folder, above); });
    if (!told && is_own(folder)) own.emplace_back(folder);
  }
  return HostPaths(std::move(own));
}

HostPaths::Access HostPaths::access(const std::string& path) const {
  if (!in_lab_) return Access::write;
  std::error_code code;
  const fs::path place = fs::weakly_canonical(path, code);
  if (code) return Access::none;
  const auto lies_below = [&](const auto& folders) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](const auto& folder) { return lies_in(place, folder); });
  };
  if (lies_below(own_)) return Access::write;
  return lies_below(readable) ? Access::read : Access::none;
}

Result<std::string> HostPaths::resolve(const std::string& path) const {
  std::error_code code;
  const fs::path place = fs::weakly_canonical(path, code);
  if (code) return Error::from_errno(code.value(), "looking for hostPath " + path);
  if (access(place) == Access::none) return refusal(path);
  return place.string();
}

Error HostPaths::refusal(const std::string& path) const {
  std::string folders;
  for (const std::string& folder : own_) folders += (folders.empty() ? "" : ", ") + folder;
  return Error(ErrorCode::forbidden,
               "hostPath " + path +
                   " belongs to the computer that this lab runs on: use a path below one of the "
                   "node's own folders (" +
                   folders + ") or an emptyDir");
}

}  // namespace hoplab::agent
