#include "runtime/netlink/socket.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/base/text.h"
#include "runtime/netlink/messages.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/parse.h"

namespace hoplab {
namespace {

// The kernel fills dump datagrams of up to 32 kB when the reader's buffer is that large.
constexpr size_t buffer_size = 65536;
// Room for the answers of one full batch; the kernel counts about 1 kB per ACK.
constexpr int receive_room = 1 << 20;

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(Family family) {
  const bool route = family == Family::route;
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, route ? NETLINK_ROUTE : NETLINK_NETFILTER));
  if (!fd) {
    return Error::from_errno(errno,
                             str("opening a netlink ", route ? "route" : "netfilter", " socket"));
  }
  const int on = 1;
  // Short ACKs, the kernel's explanation with errors, filters honoured in dumps. A kernel without
  // one of them still works, with less text.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_room, sizeof receive_room);
  return NetlinkSocket(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::open_in(int netns_fd, Family family) {
  HOP_TRY(auto guard, NetnsGuard::enter(netns_fd).context("opening a netlink socket"));
  return open(family);
}

Result<Fd> NetlinkSocket::netns() const {
  Fd netns(::ioctl(fd_.get(), SIOCGSKNS));
  if (!netns) return Error::from_errno(errno, "asking for a netlink socket's namespace");
  return netns;
}

// An ioctl answers under RCU; RTM_GETLINK would take the RTNL lock and send a kilobyte.
Result<int32_t> NetlinkSocket::link_index(const std::string& name) const {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) {
    return Error(ErrorCode::invalid, "link name \"" + name + "\": 1 to 15 bytes are allowed");
  }
  std::copy(name.begin(), name.end(), std::begin(request.ifr_name));
  if (::ioctl(fd_.get(), SIOCGIFINDEX, &request) != 0) {
    return Error::from_errno(errno, "looking for link " + name);
  }
  return request.ifr_ifindex;
}

std::string NetlinkSocket::link_name(int32_t index) const {
  ifreq request{};
  request.ifr_ifindex = index;
  if (::ioctl(fd_.get(), SIOCGIFNAME, &request) != 0) return str("if", index);
  const char* name = std::begin(request.ifr_name);
  return {name, ::strnlen(name, sizeof request.ifr_name)};
}

Result<void> NetlinkSocket::send(std::span<const std::byte> data) {
  for (;;) {
    if (::send(fd_.get(), data.data(), data.size(), 0) >= 0) return {};
    if (errno != EINTR) return Error::from_errno(errno, "sending a netlink request");
  }
}

Result<std::span<const std::byte>> NetlinkSocket::receive() {
  buffer_.resize(buffer_size);
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (n >= 0 && static_cast<size_t>(n) <= buffer_.size()) {
      return std::span<const std::byte>(buffer_.data(), static_cast<size_t>(n));
    }
    if (n >= 0) return Error(ErrorCode::too_large, "a netlink answer was cut off");
    if (errno != EINTR) return Error::from_errno(errno, "reading a netlink answer");
  }
}

Result<std::vector<NetlinkAck>> NetlinkSocket::transact(std::span<std::byte> messages) {
  const uint32_t first = next_sequence_;
  for_each_message(messages, [this](nlmsghdr& header) { header.nlmsg_seq = next_sequence_++; });
  const uint32_t expected = next_sequence_ - first;
  std::vector<NetlinkAck> acks(expected);
  HOP_CHECK(send(messages));
  for (uint32_t got = 0; got < expected;) {
    HOP_TRY(auto datagram, receive());
    for_each_message(datagram, [&](const nlmsghdr& header) {
      // Answers to an earlier, abandoned request are none of this one's.
      const uint32_t slot = header.nlmsg_seq - first;
      if (header.nlmsg_type != NLMSG_ERROR || slot >= expected) return;
      acks[slot] = read_ack(header);
      ++got;
    });
  }
  return acks;
}

Result<void> NetlinkSocket::dump(std::span<std::byte> request, const Sink& sink) {
  const uint32_t sequence = next_sequence_++;
  for_each_message(request, [sequence](nlmsghdr& header) { header.nlmsg_seq = sequence; });
  HOP_CHECK(send(request));
  bool done = false;
  bool interrupted = false;
  NetlinkAck end;
  while (!done) {
    HOP_TRY(auto datagram, receive());
    bool ours = false;
    for_each_message(datagram, [&](const nlmsghdr& header) {
      if (header.nlmsg_seq != sequence) return;
      ours = true;
      if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (header.nlmsg_type != NLMSG_ERROR && header.nlmsg_type != NLMSG_DONE) return;
      done = true;
      end = read_ack(header);
    });
    if (ours) sink(datagram);
  }
  if (end.sys_errno != 0) {
    const std::string reason = end.message.empty() ? "" : ": " + end.message;
    return Error::from_errno(end.sys_errno, "listing over netlink" + reason);
  }
  if (interrupted) return Error(ErrorCode::conflict, "the list changed while it was read");
  return {};
}

}  // namespace hoplab
