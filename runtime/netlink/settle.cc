#include "runtime/netlink/settle.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"

namespace hoplab {

namespace {

Result<Fd> control_socket(int netns_fd) {
  HOP_TRY(auto inside, NetnsGuard::enter(netns_fd));
  Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "opening a socket to ask for the state of links");
  return fd;
}

Result<bool> is_running(int fd, const std::string& link) {
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
    return Error::from_errno(errno, str("waiting for link ", link));
  }
  return (request.ifr_flags & IFF_RUNNING) != 0;
}

/// Makes the kernel look at the carrier now (Linux >= 6.8). It takes the lock under which a link
/// becomes ready, so a link seen running before is ready after it.
void look_at_carrier(int fd, const std::string& link) {
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  ethtool_value value{ETHTOOL_GLINK, 0};
  request.ifr_data = reinterpret_cast<char*>(&value);
  ioctl(fd, SIOCETHTOOL, &request);
}

}  // namespace

Result<void> settle_links(int netns_fd, std::span<const std::string> links, Millis timeout) {
  HOP_TRY(const Fd fd, control_socket(netns_fd));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (const std::string& link : links) {
    look_at_carrier(fd.get(), link);
    for (;;) {
      HOP_TRY(const bool running, is_running(fd.get(), link));
      if (running) break;
      if (std::chrono::steady_clock::now() >= deadline) {
        return Error(ErrorCode::timed_out,
                     str("waiting for link ", link, ": it or its other end is still down"));
      }
      std::this_thread::sleep_for(Millis(1));
    }
    look_at_carrier(fd.get(), link);
  }
  return {};
}

}  // namespace hoplab
