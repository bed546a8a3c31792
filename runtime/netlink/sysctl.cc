#include "runtime/netlink/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"

namespace hoplab {
namespace {

Result<std::string> path_of(const std::string& key) {
  if (key.empty()) return Error(ErrorCode::invalid, "the sysctl key is empty");
  for (std::string_view part : split(key, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return Error(ErrorCode::invalid, "sysctl key \"" + key + "\" is not a path below /proc/sys");
    }
  }
  return "/proc/sys/" + key;
}

}  // namespace

Result<std::string> read_sysctl_here(const std::string& key) {
  HOP_TRY(std::string path, path_of(key));
  HOP_TRY(std::string text, read_file(path).context("reading sysctl " + key));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Result<void> write_sysctl_here(const std::string& key, const std::string& value) {
  HOP_TRY(std::string path, path_of(key));
  const std::string doing = "setting sysctl " + key + " to \"" + value + "\"";
  HOP_TRY(Fd file, open_fd(path, O_WRONLY).context(doing));
  // One write: the kernel takes each write(2) as a value of its own.
  if (::write(file.get(), value.data(), value.size()) < 0) return Error::from_errno(errno, doing);
  return {};
}

Result<std::string> read_sysctl(int netns_fd, const std::string& key) {
  HOP_TRY(auto guard, NetnsGuard::enter(netns_fd).context("reading sysctl " + key));
  return read_sysctl_here(key);
}

Result<void> write_sysctl(int netns_fd, const std::string& key, const std::string& value) {
  HOP_TRY(auto guard, NetnsGuard::enter(netns_fd).context("setting sysctl " + key));
  return write_sysctl_here(key, value);
}

}  // namespace hoplab
