#include "runtime/netlink/netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace hoplab {

Result<Fd> current_netns() {
  return open_fd("/proc/thread-self/ns/net", O_RDONLY).context("reading the network namespace");
}

Result<Fd> make_netns() {
  HOP_TRY(Fd home, current_netns());
  if (::unshare(CLONE_NEWNET) != 0) {
    return Error::from_errno(errno, "making a network namespace");
  }
  auto made = current_netns();
  if (::setns(home.get(), CLONE_NEWNET) != 0) std::abort();  // see NetnsGuard
  return made;
}

Result<Fd> open_netns(const std::string& name) {
  return open_fd("/run/netns/" + name, O_RDONLY).context("opening network namespace " + name);
}

bool same_netns(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

Result<NetnsGuard> NetnsGuard::enter(int netns_fd) {
  HOP_TRY(Fd home, current_netns());
  if (same_netns(home.get(), netns_fd)) return NetnsGuard(Fd());
  if (::setns(netns_fd, CLONE_NEWNET) != 0) {
    return Error::from_errno(errno, "entering a network namespace");
  }
  return NetnsGuard(std::move(home));
}

NetnsGuard::~NetnsGuard() {
  if (home_ && ::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
}

}  // namespace hoplab
