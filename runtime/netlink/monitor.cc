#include "runtime/netlink/monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "runtime/netlink/dump.h"
#include "runtime/netlink/messages.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/parse.h"

namespace hoplab {
namespace {

constexpr size_t buffer_size = 65536;
constexpr int receive_room = 4 << 20;  // the kernel caps it at net.core.rmem_max

Result<void> join(int fd, int group) {
  if (::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0) return {};
  return Error::from_errno(errno, "subscribing to netlink events");
}

}  // namespace

Result<NetlinkMonitor> NetlinkMonitor::open(const MonitorGroups& groups) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd) return Error::from_errno(errno, "opening a netlink event socket");
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_room, sizeof receive_room);
  // Without a port id of its own a socket gets no multicast: 0 stands for the kernel, the sender.
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0) {
    return Error::from_errno(errno, "binding a netlink event socket");
  }
  HOP_CHECK(join(fd.get(), RTNLGRP_LINK));
  if (groups.addresses) HOP_CHECK(join(fd.get(), RTNLGRP_IPV4_IFADDR));
  if (groups.routes) HOP_CHECK(join(fd.get(), RTNLGRP_IPV4_ROUTE));
  if (groups.neighbors) HOP_CHECK(join(fd.get(), RTNLGRP_NEIGH));
  NetlinkMonitor monitor(std::move(fd));
  HOP_TRY(auto socket, NetlinkSocket::open());
  HOP_TRY(auto links, dump_links(socket));
  for (Link& link : links) monitor.names_[link.index] = std::move(link.name);
  return monitor;
}

Result<NetlinkMonitor> NetlinkMonitor::open_in(int netns_fd, const MonitorGroups& groups) {
  HOP_TRY(auto guard, NetnsGuard::enter(netns_fd).context("opening a netlink event socket"));
  return open(groups);
}

std::string NetlinkMonitor::link_name(int32_t index) {
  auto at = names_.find(index);
  return at == names_.end() ? "if" + std::to_string(index) : at->second;
}

void NetlinkMonitor::take(const nlmsghdr& message, std::vector<NetlinkEvent>& out) {
  using Kind = NetlinkEvent::Kind;
  const LinkNames names = [this](int32_t index) { return link_name(index); };
  const auto add = [&out](Kind kind, auto object) {
    if (object) out.push_back({kind, std::move(*object)});
  };
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const bool removed = message.nlmsg_type == RTM_DELLINK;
      auto link = parse_link(message, names);
      if (!link) return;
      if (removed) {
        names_.erase(link->index);
      } else {
        names_[link->index] = link->name;
      }
      return add(removed ? Kind::removed : Kind::changed, std::move(link));
    }
    case RTM_NEWADDR:
      return add(Kind::changed, parse_address(message, names));
    case RTM_DELADDR:
      return add(Kind::removed, parse_address(message, names));
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const Kind kind = message.nlmsg_type == RTM_DELROUTE ? Kind::removed : Kind::changed;
      for (auto& route : parse_routes(message, names)) out.push_back({kind, std::move(route)});
      return;
    }
    case RTM_NEWNEIGH:
      return add(Kind::changed, parse_neighbor(message, names));
    case RTM_DELNEIGH:
      return add(Kind::removed, parse_neighbor(message, names));
    default:
      return;
  }
}

Result<std::vector<NetlinkEvent>> NetlinkMonitor::read() {
  buffer_.resize(buffer_size);
  std::vector<NetlinkEvent> out;
  bool lost = false;
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (n >= 0) {
      if (static_cast<size_t>(n) > buffer_.size()) {
        lost = true;
        continue;
      }
      const std::span<const std::byte> datagram(buffer_.data(), static_cast<size_t>(n));
      for_each_message(datagram, [&](const nlmsghdr& message) { take(message, out); });
    } else if (errno == ENOBUFS) {
      lost = true;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return Error::from_errno(errno, "reading netlink events");
    }
  }
  if (lost) out.push_back({NetlinkEvent::Kind::resync, {}});
  return out;
}

}  // namespace hoplab
