#include "runtime/netlink/messages.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>

#include "runtime/base/text.h"
#include "runtime/netlink/builder.h"
#include "runtime/netlink/traffic_messages.h"

namespace hoplab {
namespace {

constexpr size_t longest_name = IFNAMSIZ - 1;
constexpr Ipv4 loopback_network(127, 0, 0, 0);

Result<void> check_name(const std::string& name) {
  if (!name.empty() && name.size() <= longest_name) return {};
  return Error(ErrorCode::invalid,
               str("link name \"", name, "\" has ", name.size(), " bytes; 1 to 15 are allowed"));
}

uint8_t route_type(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return RTN_UNICAST;
    case RouteType::blackhole:
      return RTN_BLACKHOLE;
    case RouteType::unreachable:
      return RTN_UNREACHABLE;
    case RouteType::prohibit:
      return RTN_PROHIBIT;
    case RouteType::throw_:
      return RTN_THROW;
    case RouteType::local:
      return RTN_LOCAL;
    case RouteType::broadcast:
      return RTN_BROADCAST;
    case RouteType::other:
      break;
  }
  return RTN_UNSPEC;
}

uint8_t route_scope(RouteScope scope) {
  if (scope == RouteScope::host) return RT_SCOPE_HOST;
  return scope == RouteScope::link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

// One overload per action; `inputs` resolves names.
struct Build {
  const MessageInputs& inputs;

  // Everything of a link but its kind, for either end of a veth pair.
  Result<void> link_body(MessageBuilder& builder, const Link& link) const {
    HOP_CHECK(check_name(link.name));
    if (!link.alias.empty()) {
      return Error(ErrorCode::invalid,
                   "the kernel ignores an alias in the request that makes " + link.name);
    }
    ifinfomsg info{};
    info.ifi_flags = link.up ? IFF_UP : 0;
    info.ifi_change = link.up ? IFF_UP : 0;
    builder.header(info);
    builder.string(IFLA_IFNAME, link.name);
    if (link.mac) builder.mac(IFLA_ADDRESS, *link.mac);
    if (link.mtu != 0) builder.u32(IFLA_MTU, link.mtu);
    if (link.group != 0) builder.u32(IFLA_GROUP, link.group);
    if (!link.master.empty()) {
      HOP_TRY(int32_t master, inputs.link_index(link.master));
      builder.u32(IFLA_MASTER, static_cast<uint32_t>(master));
    }
    return {};
  }

  Result<MessageBytes> operator()(const LinkAdd& add) const {
    MessageBuilder builder(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    HOP_CHECK(link_body(builder, add.link));
    builder.nested(IFLA_LINKINFO,
                   [&] { builder.string(IFLA_INFO_KIND, std::string(to_string(add.link.kind))); });
    return builder.finish();
  }

  Result<MessageBytes> operator()(const VethAdd& add) const {
    if (add.peer.up) {
      return Error(ErrorCode::invalid,
                   "the peer " + add.peer.name + " cannot be set up in the request that makes it");
    }
    MessageBuilder builder(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    HOP_CHECK(link_body(builder, add.link));
    Result<void> peer;
    int netns = -1;
    if (!add.peer_netns.empty()) {
      if (!inputs.peer_netns) {
        return Error(ErrorCode::invalid, "no descriptor is known for namespace " + add.peer_netns);
      }
      HOP_TRY(netns, inputs.peer_netns(add.peer_netns));
    }
    builder.nested(IFLA_LINKINFO, [&] {
      builder.string(IFLA_INFO_KIND, "veth");
      builder.nested(IFLA_INFO_DATA, [&] {
        builder.nested(VETH_INFO_PEER, [&] {
          peer = link_body(builder, add.peer);
          if (netns >= 0) builder.u32(IFLA_NET_NS_FD, static_cast<uint32_t>(netns));
        });
      });
    });
    HOP_CHECK(std::move(peer));
    return builder.finish();
  }

  Result<MessageBytes> operator()(const LinkSet& set) const {
    HOP_CHECK(check_name(set.name));
    MessageBuilder builder(RTM_NEWLINK, NLM_F_ACK);
    ifinfomsg info{};
    if (set.up) {
      info.ifi_change = IFF_UP;
      info.ifi_flags = *set.up ? IFF_UP : 0;
    }
    if (set.arp) {
      info.ifi_change |= IFF_NOARP;
      info.ifi_flags |= *set.arp ? 0 : IFF_NOARP;
    }
    builder.header(info);
    // Index 0 and a name: the kernel looks the link up itself, so one batch can make and set it.
    builder.string(IFLA_IFNAME, set.name);
    if (set.mac) builder.mac(IFLA_ADDRESS, *set.mac);
    if (set.mtu) builder.u32(IFLA_MTU, *set.mtu);
    if (set.alias) builder.string(IFLA_IFALIAS, *set.alias);
    if (set.master) {
      int32_t master = 0;
      if (!set.master->empty()) {
        HOP_TRY(master, inputs.link_index(*set.master));
      }
      builder.u32(IFLA_MASTER, static_cast<uint32_t>(master));
    }
    return builder.finish();
  }

  Result<MessageBytes> operator()(const LinkDelete& remove) const {
    HOP_CHECK(check_name(remove.name));
    MessageBuilder builder(RTM_DELLINK, NLM_F_ACK);
    builder.header(ifinfomsg{});
    builder.string(IFLA_IFNAME, remove.name);
    return builder.finish();
  }

  Result<MessageBytes> address(int type, int flags, const Address& address) const {
    HOP_TRY(int32_t index, inputs.link_index(address.link));
    MessageBuilder builder(type, NLM_F_ACK | flags);
    ifaddrmsg info{};
    info.ifa_family = AF_INET;
    info.ifa_prefixlen = address.prefix.length();
    info.ifa_index = static_cast<uint32_t>(index);
    // As `ip addr add` chooses it.
    const bool loopback = Prefix(loopback_network, 8).contains(address.prefix.address());
    info.ifa_scope = loopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
    builder.header(info);
    builder.ip(IFA_LOCAL, address.prefix.address());
    builder.ip(IFA_ADDRESS, address.prefix.address());
    if (address.broadcast) builder.ip(IFA_BROADCAST, *address.broadcast);
    return builder.finish();
  }

  Result<MessageBytes> operator()(const AddressAdd& add) const {
    return address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, add.address);
  }
  Result<MessageBytes> operator()(const AddressDelete& remove) const {
    return address(RTM_DELADDR, 0, remove.address);
  }

  Result<MessageBytes> route(int type, int flags, const Route& route) const {
    int32_t index = 0;
    if (!route.link.empty()) {
      HOP_TRY(index, inputs.link_index(route.link));
    }
    MessageBuilder builder(type, NLM_F_ACK | flags);
    rtmsg info{};
    info.rtm_family = AF_INET;
    info.rtm_dst_len = route.destination.length();
    info.rtm_table = static_cast<uint8_t>(route.table < 256 ? route.table : RT_TABLE_UNSPEC);
    info.rtm_protocol = route.protocol;
    // A delete says what the route is by everything but its scope.
    info.rtm_scope = type == RTM_DELROUTE ? uint8_t{RT_SCOPE_NOWHERE} : route_scope(route.scope);
    info.rtm_type = route_type(route.type);
    info.rtm_flags = route.onlink ? RTNH_F_ONLINK : 0;
    builder.header(info);
    if (route.destination.length() != 0) builder.ip(RTA_DST, route.destination.network());
    if (route.table >= 256) builder.u32(RTA_TABLE, route.table);
    if (route.gateway) builder.ip(RTA_GATEWAY, *route.gateway);
    if (index != 0) builder.u32(RTA_OIF, static_cast<uint32_t>(index));
    if (route.source) builder.ip(RTA_PREFSRC, *route.source);
    if (route.metric != 0) builder.u32(RTA_PRIORITY, route.metric);
    return builder.finish();
  }

  Result<MessageBytes> operator()(const RouteReplace& replace) const {
    return route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, replace.route);
  }
  Result<MessageBytes> operator()(const RouteDelete& remove) const {
    return route(RTM_DELROUTE, 0, remove.route);
  }

  Result<MessageBytes> neighbor(int type, int flags, const Neighbor& neighbor) const {
    HOP_TRY(int32_t index, inputs.link_index(neighbor.link));
    MessageBuilder builder(type, NLM_F_ACK | flags);
    ndmsg info{};
    info.ndm_family = AF_INET;
    info.ndm_ifindex = index;
    info.ndm_state = neighbor.permanent || neighbor.proxy ? NUD_PERMANENT : NUD_REACHABLE;
    info.ndm_flags = neighbor.proxy ? NTF_PROXY : 0;
    builder.header(info);
    builder.ip(NDA_DST, neighbor.ip);
    if (neighbor.mac) builder.mac(NDA_LLADDR, *neighbor.mac);
    return builder.finish();
  }

  Result<MessageBytes> operator()(const NeighborReplace& replace) const {
    return neighbor(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, replace.neighbor);
  }
  Result<MessageBytes> operator()(const NeighborDelete& remove) const {
    return neighbor(RTM_DELNEIGH, 0, remove.neighbor);
  }

  Result<MessageBytes> operator()(const ClsactAdd& add) const {
    HOP_TRY(int32_t index, inputs.link_index(add.link));
    return build_clsact(index);
  }
  Result<MessageBytes> operator()(const FilterReplace& replace) const {
    HOP_TRY(int32_t index, inputs.link_index(replace.filter.link));
    if (!inputs.program) {
      return Error(ErrorCode::invalid,
                   "no descriptor is known for program " + replace.filter.program);
    }
    HOP_TRY(int program, inputs.program(replace.filter.program));
    return build_filter_replace(replace.filter, index, program);
  }
  Result<MessageBytes> operator()(const FilterDelete& remove) const {
    HOP_TRY(int32_t index, inputs.link_index(remove.filter.link));
    return build_filter_delete(remove.filter, index);
  }

  Result<MessageBytes> operator()(const SysctlSet&) const {
    return Error(ErrorCode::internal, "a sysctl is a file, not a netlink message");
  }
  Result<MessageBytes> operator()(const OffloadSet&) const {
    return Error(ErrorCode::internal, "an offload is set by ioctl, not by a netlink message");
  }
};

void add_if_named(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty()) names.push_back(name);
}

}  // namespace

std::vector<std::string> links_needed(const Action& action) {
  std::vector<std::string> names;
  if (const auto* link = std::get_if<LinkAdd>(&action)) add_if_named(names, link->link.master);
  if (const auto* veth = std::get_if<VethAdd>(&action)) {
    add_if_named(names, veth->link.master);
    add_if_named(names, veth->peer.master);
  }
  if (const auto* set = std::get_if<LinkSet>(&action)) {
    if (set->master) add_if_named(names, *set->master);
  }
  if (const auto* add = std::get_if<AddressAdd>(&action)) names.push_back(add->address.link);
  if (const auto* del = std::get_if<AddressDelete>(&action)) names.push_back(del->address.link);
  if (const auto* add = std::get_if<RouteReplace>(&action)) add_if_named(names, add->route.link);
  if (const auto* del = std::get_if<RouteDelete>(&action)) add_if_named(names, del->route.link);
  if (const auto* add = std::get_if<NeighborReplace>(&action)) names.push_back(add->neighbor.link);
  if (const auto* del = std::get_if<NeighborDelete>(&action)) names.push_back(del->neighbor.link);
  if (const auto* add = std::get_if<ClsactAdd>(&action)) names.push_back(add->link);
  if (const auto* add = std::get_if<FilterReplace>(&action)) names.push_back(add->filter.link);
  if (const auto* del = std::get_if<FilterDelete>(&action)) names.push_back(del->filter.link);
  return names;
}

std::vector<std::string> links_changed(const Action& action) {
  if (const auto* link = std::get_if<LinkAdd>(&action)) return {link->link.name};
  if (const auto* del = std::get_if<LinkDelete>(&action)) return {del->name};
  if (const auto* veth = std::get_if<VethAdd>(&action)) {
    if (veth->peer_netns.empty()) return {veth->link.name, veth->peer.name};
    return {veth->link.name};
  }
  return {};
}

Result<MessageBytes> build_message(const Action& action, const MessageInputs& inputs) {
  return std::visit(Build{inputs}, action);
}

MessageBytes build_dump(DumpKind kind) {
  auto built = [&] {
    switch (kind) {
      case DumpKind::links: {
        MessageBuilder builder(RTM_GETLINK, NLM_F_DUMP);
        builder.header(ifinfomsg{});
        return builder.finish();
      }
      case DumpKind::addresses: {
        MessageBuilder builder(RTM_GETADDR, NLM_F_DUMP);
        ifaddrmsg info{};
        info.ifa_family = AF_INET;
        builder.header(info);
        return builder.finish();
      }
      case DumpKind::main_routes:
      case DumpKind::all_routes: {
        MessageBuilder builder(RTM_GETROUTE, NLM_F_DUMP);
        rtmsg info{};
        info.rtm_family = AF_INET;
        builder.header(info);
        if (kind == DumpKind::main_routes) builder.u32(RTA_TABLE, RT_TABLE_MAIN);
        return builder.finish();
      }
      case DumpKind::neighbors:
      case DumpKind::proxy_neighbors:
        break;
    }
    MessageBuilder builder(RTM_GETNEIGH, NLM_F_DUMP);
    ndmsg info{};
    info.ndm_family = AF_INET;
    info.ndm_flags = kind == DumpKind::proxy_neighbors ? NTF_PROXY : 0;
    builder.header(info);
    return builder.finish();
  }();
  return std::move(built).value();
}

}  // namespace hoplab
