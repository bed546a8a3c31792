#include "runtime/tunnel/tunnel_link.h"

#include <algorithm>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"
#include "runtime/tunnel/bpf_tunnel.h"

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

Result<void> set_up_pair(NetlinkSocket& socket, const TunnelOptions& options, Variant variant) {
  const std::vector<std::string> ends{options.name, tunnel_peer_name(options.name)};
  if (variant == Variant::veth) HOP_CHECK(detach_bpf(socket, options.name));
  return bring_up(socket, ends, std::nullopt);
}

/// What an existing link can be used for, as asked for or as the machine allows.
Variant variant_on(Variant link, const TunnelOptions& options, const Probe& found) {
  if (link != Variant::veth) return link;
  const bool bpf = options.only ? *options.only == Variant::bpf : found.bpf;
  return bpf ? Variant::bpf : Variant::veth;
}

}  // namespace

Result<TunnelLink> prepare_tunnel_link(const TunnelOptions& options, const Probe& found) {
  HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
  HOP_TRY(const std::vector<Link> links, dump_links(socket));
  if (const Link* link = find_link(links, options.name)) {
    HOP_TRY(const Variant existing, variant_of(links, *link));
    const Variant variant = variant_on(existing, options, found);
    if (options.only && *options.only != variant) {
      return Error(ErrorCode::conflict, str("link ", options.name, " is of variant ",
                                            to_string(variant), "; delete it to change that"));
    }
    if (existing == Variant::veth) HOP_CHECK(set_up_pair(socket, options, variant));
    return TunnelLink{variant, false};
  }
  const Variant variant = options.only ? *options.only : choose(found).variant;
  if (variant == Variant::kernel) {
    return Error(ErrorCode::unsupported,
                 str("the kernel's ipip module gave this namespace no ", options.name,
                     " (net.core.fb_tunnels_only_for_init_net must be 0)"));
  }
  if (variant == Variant::tun) {
    HOP_TRY(auto device, open_tun_device(options.name));  // persistent: stays when this one closes
    HOP_CHECK(bring_up(socket, {options.name}, options.mtu));
  } else {
    HOP_CHECK(make_pair(socket, options));
    HOP_CHECK(set_up_pair(socket, options, variant));
  }
  return TunnelLink{variant, true};
}

Result<TunnelLink> prepare_without_bpf(const TunnelOptions& options, const TunnelLink& link,
                                       Probe found) {
  found.bpf = false;
  if (link.made && choose(found).variant != Variant::veth) {
    HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
    HOP_CHECK(detach_bpf(socket, options.name));  // also from the uplink
    const std::vector<Operation> away{{"", LinkDelete{options.name}, "another kind serves better"}};
    HOP_CHECK(apply_operations(socket, away).status());
  }
  return prepare_tunnel_link(options, found);
}

}  // namespace hoplab::tunnel
