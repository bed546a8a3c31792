#include "runtime/netlink/offload.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab {
namespace {

Result<bool> ask(const std::string& link, uint32_t command, bool on) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno(errno, "opening a socket for the features of links");
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  ethtool_value value{command, on ? 1U : 0U};
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (ioctl(fd.get(), SIOCETHTOOL, &request) != 0) {
    return Error::from_errno(errno, str("checksum offload of link ", link));
  }
  return value.data != 0;
}

}  // namespace

Result<bool> read_tx_offload_here(const std::string& link) {
  return ask(link, ETHTOOL_GTXCSUM, false);
}

Result<void> write_tx_offload_here(const std::string& link, bool on) {
  if (auto done = ask(link, ETHTOOL_STXCSUM, on); !done) return std::move(done).error();
  return {};
}

}  // namespace hoplab
