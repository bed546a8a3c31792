#include "runtime/netlink/parse.h"

#include <net/if.h>
// The kernel's headers yield to libc's only if those are first.
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "runtime/netlink/attributes.h"

namespace hoplab {
namespace {

LinkKind link_kind(const ifinfomsg& info, const Attributes& link_info) {
  const std::string kind = link_info.string(IFLA_INFO_KIND);
  if (!kind.empty()) return parse_link_kind(kind);
  if (info.ifi_type == ARPHRD_LOOPBACK) return LinkKind::loopback;
  return info.ifi_type == ARPHRD_ETHER ? LinkKind::device : LinkKind::other;
}

void read_statistics(const Attributes& attributes, Link& link) {
  // Older kernels have fewer counters at the end; these six are first in all of them.
  struct Counters {
    uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
        tx_dropped;
  };
  auto counters = attributes.get<Counters>(IFLA_STATS64);
  if (!counters) return;
  link.rx_packets = counters->rx_packets;
  link.tx_packets = counters->tx_packets;
  link.rx_bytes = counters->rx_bytes;
  link.tx_bytes = counters->tx_bytes;
  link.rx_dropped = counters->rx_dropped;
  link.tx_dropped = counters->tx_dropped;
}

RouteType route_type(uint8_t type) {
  switch (type) {
    case RTN_UNICAST:
      return RouteType::unicast;
    case RTN_BLACKHOLE:
      return RouteType::blackhole;
    case RTN_UNREACHABLE:
      return RouteType::unreachable;
    case RTN_PROHIBIT:
      return RouteType::prohibit;
    case RTN_THROW:
      return RouteType::throw_;
    case RTN_LOCAL:
      return RouteType::local;
    case RTN_BROADCAST:
      return RouteType::broadcast;
    default:
      return RouteType::other;
  }
}

RouteScope route_scope(uint8_t scope) {
  if (scope == RT_SCOPE_HOST) return RouteScope::host;
  return scope == RT_SCOPE_LINK ? RouteScope::link : RouteScope::universe;
}

std::string neighbor_state(uint16_t state) {
  switch (state) {
    case NUD_INCOMPLETE:
      return "INCOMPLETE";
    case NUD_REACHABLE:
      return "REACHABLE";
    case NUD_STALE:
      return "STALE";
    case NUD_DELAY:
      return "DELAY";
    case NUD_PROBE:
      return "PROBE";
    case NUD_FAILED:
      return "FAILED";
    case NUD_PERMANENT:
      return "PERMANENT";
    default:
      return "NONE";
  }
}

// The next hops of a multipath route, each as a copy of `base`.
std::vector<Route> multipath(const Route& base, const Attributes& attributes,
                             const LinkNames& names) {
  std::vector<Route> out;
  const auto* at = static_cast<const char*>(attributes.data(RTA_MULTIPATH));
  size_t left = attributes.length(RTA_MULTIPATH);
  rtnexthop hop{};
  while (left >= sizeof hop) {
    std::memcpy(&hop, at, sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left) break;
    Route route = base;
    route.link = names(hop.rtnh_ifindex);
    route.onlink = (hop.rtnh_flags & RTNH_F_ONLINK) != 0;
    route.gateway = Attributes::in(at + sizeof hop, hop.rtnh_len - sizeof hop).ip(RTA_GATEWAY);
    out.push_back(std::move(route));
    const size_t step = std::min(left, static_cast<size_t>(RTNH_ALIGN(hop.rtnh_len)));
    at += step;
    left -= step;
  }
  return out;
}

}  // namespace

NetlinkAck read_ack(const nlmsghdr& header) {
  nlmsgerr error{};
  if (header.nlmsg_len < NLMSG_HDRLEN + sizeof error.error) return {EBADMSG, ""};
  const auto* payload = reinterpret_cast<const std::byte*>(&header) + NLMSG_HDRLEN;
  const size_t length = header.nlmsg_len - NLMSG_HDRLEN;
  std::memcpy(&error, payload, std::min(length, sizeof error));
  constexpr int last_errno = 65535;  // ipset's own begin at 4096
  if (error.error > 0 || error.error < -last_errno) return {EBADMSG, ""};
  NetlinkAck ack{-error.error, ""};
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return ack;
  // NLMSG_DONE has only the errno in front of its attributes, NLMSG_ERROR also the request's
  // header, and the whole request unless it was capped.
  size_t skip = header.nlmsg_type == NLMSG_DONE ? sizeof error.error : sizeof error;
  if (header.nlmsg_type == NLMSG_ERROR && (header.nlmsg_flags & NLM_F_CAPPED) == 0 &&
      error.msg.nlmsg_len > NLMSG_HDRLEN) {
    skip += NLMSG_ALIGN(error.msg.nlmsg_len - NLMSG_HDRLEN);
  }
  if (skip < length) {
    ack.message = Attributes::in(payload + skip, length - skip).string(NLMSGERR_ATTR_MSG);
  }
  return ack;
}

std::optional<Link> parse_link(const nlmsghdr& message, const LinkNames& names) {
  const auto info = fixed_part<ifinfomsg>(message);
  // A message of family AF_BRIDGE is about a port's place in its bridge: its RTM_DELLINK means
  // that the port left, not that the link is gone.
  if (!info || info->ifi_family != AF_UNSPEC) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *info);
  const auto link_info = attributes.nested(IFLA_LINKINFO);
  Link link;
  link.name = attributes.string(IFLA_IFNAME);
  if (link.name.empty()) return std::nullopt;
  link.kind = link_kind(*info, link_info);
  link.mac = attributes.mac(IFLA_ADDRESS);
  link.mtu = attributes.get<uint32_t>(IFLA_MTU).value_or(0);
  link.up = (info->ifi_flags & IFF_UP) != 0;
  link.arp = (info->ifi_flags & IFF_NOARP) == 0;
  link.carrier = attributes.get<uint8_t>(IFLA_CARRIER).value_or(0) != 0;
  link.alias = attributes.string(IFLA_IFALIAS);
  link.group = attributes.get<uint32_t>(IFLA_GROUP).value_or(0);
  link.index = info->ifi_index;
  if (auto master = attributes.get<int32_t>(IFLA_MASTER)) link.master = names(*master);
  if (link.kind == LinkKind::veth) {
    link.peer_index = attributes.get<int32_t>(IFLA_LINK).value_or(0);
    link.peer_netns_id = attributes.get<int32_t>(IFLA_LINK_NETNSID).value_or(-1);
  }
  read_statistics(attributes, link);
  return link;
}

std::optional<Address> parse_address(const nlmsghdr& message, const LinkNames& names) {
  const auto info = fixed_part<ifaddrmsg>(message);
  if (!info || info->ifa_family != AF_INET || info->ifa_prefixlen > 32) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *info);
  auto local = attributes.ip(IFA_LOCAL);
  if (!local) local = attributes.ip(IFA_ADDRESS);
  if (!local) return std::nullopt;
  return Address{.link = names(static_cast<int32_t>(info->ifa_index)),
                 .prefix = {*local, info->ifa_prefixlen},
                 .broadcast = attributes.ip(IFA_BROADCAST)};
}

std::vector<Route> parse_routes(const nlmsghdr& message, const LinkNames& names) {
  const auto info = fixed_part<rtmsg>(message);
  if (!info || info->rtm_family != AF_INET || info->rtm_dst_len > 32) return {};
  if ((info->rtm_flags & RTM_F_CLONED) != 0) return {};
  const auto attributes = Attributes::of_message(message, sizeof *info);
  Route route;
  route.destination = {attributes.ip(RTA_DST).value_or(Ipv4()), info->rtm_dst_len};
  route.type = route_type(info->rtm_type);
  route.gateway = attributes.ip(RTA_GATEWAY);
  if (auto index = attributes.get<int32_t>(RTA_OIF)) route.link = names(*index);
  route.source = attributes.ip(RTA_PREFSRC);
  route.protocol = info->rtm_protocol;
  route.scope = route_scope(info->rtm_scope);
  route.onlink = (info->rtm_flags & RTNH_F_ONLINK) != 0;
  route.metric = attributes.get<uint32_t>(RTA_PRIORITY).value_or(0);
  route.table = attributes.get<uint32_t>(RTA_TABLE).value_or(info->rtm_table);
  if (attributes.has(RTA_MULTIPATH)) return multipath(route, attributes, names);
  return {route};
}

std::optional<Neighbor> parse_neighbor(const nlmsghdr& message, const LinkNames& names) {
  const auto info = fixed_part<ndmsg>(message);
  if (!info || info->ndm_family != AF_INET) return std::nullopt;
  const bool proxy = (info->ndm_flags & NTF_PROXY) != 0;
  if (!proxy && (info->ndm_state & NUD_NOARP) != 0) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *info);
  auto ip = attributes.ip(NDA_DST);
  if (!ip) return std::nullopt;
  Neighbor neighbor{.link = names(info->ndm_ifindex), .ip = *ip};
  neighbor.mac = attributes.mac(NDA_LLADDR);
  neighbor.proxy = proxy;
  neighbor.permanent = !proxy && (info->ndm_state & NUD_PERMANENT) != 0;
  if (!proxy) neighbor.state = neighbor_state(info->ndm_state);
  return neighbor;
}

}  // namespace hoplab
