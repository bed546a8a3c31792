#include "runtime/tunnel/tunnel_link.h"

#include <algorithm>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"

namespace hoplab::tunnel {

namespace {

const Link* find_link(const std::vector<Link>& links, const std::string& name) {
  auto found =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
  return found == links.end() ? nullptr : &*found;
}

Result<Variant> variant_of(const std::vector<Link>& links, const Link& link) {
  switch (link.kind) {
    case LinkKind::ipip:
      return Variant::kernel;
    case LinkKind::tun:
      return Variant::tun;
    case LinkKind::veth:
      if (find_link(links, tunnel_peer_name(link.name)) != nullptr) return Variant::veth;
      break;
    default:
      break;
  }
  return Error(ErrorCode::unsupported,
               str("link ", link.name, " exists and is no tunnel of ours (", to_string(link.kind),
                   "); delete it: ip link delete ", link.name));
}

Operation set_link(const std::string& name, std::optional<uint32_t> mtu, std::optional<bool> up) {
  LinkSet set;
  set.name = name;
  set.mtu = mtu;
  set.up = up;
  return {"", set, "the tunnel's link"};
}

/// The pair is made down: IPv6 must be off before its links come up and announce themselves.
Result<void> make_pair(NetlinkSocket& socket, const TunnelOptions& options) {
  const std::string peer = tunnel_peer_name(options.name);
  VethAdd pair;
  pair.link.name = options.name;
  pair.link.kind = LinkKind::veth;
  pair.link.mtu = options.mtu;
  pair.peer.name = peer;
  pair.peer.kind = LinkKind::veth;
  pair.peer.mtu = 65535;  // only tunl0's own MTU limits
  const std::vector<Operation> operations{{"", pair, "the tunnel's link"}};
  return apply_operations(socket, operations).status();
}

Result<void> bring_up(NetlinkSocket& socket, const std::vector<std::string>& names,
                      std::optional<uint32_t> mtu) {
  std::vector<Operation> up;
  for (const std::string& name : names) {
    // A kernel without IPv6 has no such file; then there is nothing to turn off.
    const std::vector<Operation> quiet{
        {"", SysctlSet{str("net/ipv6/conf/", name, "/disable_ipv6"), "1"}, "the tunnel is IPv4"}};
    auto turned_off = apply_operations(socket, quiet).status();
    if (!turned_off && turned_off.error().code() != ErrorCode::not_found) return turned_off;
    up.push_back(set_link(name, mtu, true));
  }
  return apply_operations(socket, up).status();
}

}  // namespace

std::string tunnel_peer_name(const std::string& name) {
  return name + "-peer";
}

Result<Variant> prepare_tunnel_link(const TunnelOptions& options) {
  HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
  HOP_TRY(const std::vector<Link> links, dump_links(socket));
  const std::string peer = tunnel_peer_name(options.name);
  if (const Link* link = find_link(links, options.name)) {
    HOP_TRY(const Variant variant, variant_of(links, *link));
    if (options.only && *options.only != variant) {
      return Error(ErrorCode::conflict, str("link ", options.name, " is of variant ",
                                            to_string(variant), "; delete it to change that"));
    }
    if (variant == Variant::veth) HOP_CHECK(bring_up(socket, {options.name, peer}, std::nullopt));
    return variant;
  }
  const Variant variant = options.only ? *options.only : choose(probe()).variant;
  if (variant == Variant::kernel) {
    return Error(ErrorCode::unsupported,
                 str("the kernel's ipip module gave this namespace no ", options.name,
                     " (net.core.fb_tunnels_only_for_init_net must be 0)"));
  }
  if (variant == Variant::veth) {
    HOP_CHECK(make_pair(socket, options));
    HOP_CHECK(bring_up(socket, {options.name, peer}, std::nullopt));
  } else {
    HOP_TRY(auto device, open_tun_device(options.name));  // persistent: stays when this one closes
    HOP_CHECK(bring_up(socket, {options.name}, options.mtu));
  }
  return variant;
}

}  // namespace hoplab::tunnel
