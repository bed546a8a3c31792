#pragma once

#include <string>
#include <variant>
#include <vector>

#include "runtime/model/link.h"
#include "runtime/model/route.h"
#include "runtime/model/traffic_control.h"

namespace hoplab {

/// Makes a link that has no peer elsewhere: bridge, dummy, vxlan, ipip, …
struct LinkAdd {
  Link link;
  bool operator==(const LinkAdd&) const = default;
};
/// Makes a veth pair; the peer is made directly in another namespace (moving it afterwards costs
/// 17 ms, facts/kernel.md P5). `peer_netns` names it for people; empty = the same namespace.
/// `peer.up` must stay false: the kernel would open that end before it is joined to the other
/// (ENOTCONN), so it is set up by a LinkSet where it lives, as with `ip`. The descriptor behind
/// `peer_netns` comes from the caller of apply_operations().
struct VethAdd {
  Link link;
  Link peer;
  std::string peer_netns;
  bool operator==(const VethAdd&) const = default;
};
/// Changes mac, mtu, master, alias, ARP or up/down of an existing link: only set fields are
/// touched.
struct LinkSet {
  std::string name;
  std::optional<bool> up;
  std::optional<uint32_t> mtu;
  std::optional<Mac> mac;
  std::optional<std::string> master;  ///< "" = none.
  std::optional<std::string> alias;
  std::optional<bool> arp;  ///< False: neighbors on the link are never asked for.
  bool operator==(const LinkSet&) const = default;
};
struct LinkDelete {
  std::string name;
  bool operator==(const LinkDelete&) const = default;
};
struct AddressAdd {
  Address address;
  bool operator==(const AddressAdd&) const = default;
};
struct AddressDelete {
  Address address;
  bool operator==(const AddressDelete&) const = default;
};
/// Adds the route or replaces the one with the same destination, metric and table.
struct RouteReplace {
  Route route;
  bool operator==(const RouteReplace&) const = default;
};
struct RouteDelete {
  Route route;
  bool operator==(const RouteDelete&) const = default;
};
struct NeighborReplace {
  Neighbor neighbor;
  bool operator==(const NeighborReplace&) const = default;
};
struct NeighborDelete {
  Neighbor neighbor;
  bool operator==(const NeighborDelete&) const = default;
};
/// Writes below /proc/sys/: key "net/ipv4/conf/cali0123/proxy_arp" (slashes, as link names have
/// dots).
struct SysctlSet {
  std::string key;
  std::string value;
  bool operator==(const SysctlSet&) const = default;
};
/// Gives the link a clsact qdisc, the place for filters that see packets coming and going.
struct ClsactAdd {
  std::string link;
  bool operator==(const ClsactAdd&) const = default;
};
/// Adds the filter or replaces the one of the same hook, preference and handle. The descriptor
/// behind `filter.program` comes from the caller of apply_operations().
struct FilterReplace {
  BpfFilter filter;
  bool operator==(const FilterReplace&) const = default;
};
struct FilterDelete {
  BpfFilter filter;
  bool operator==(const FilterDelete&) const = default;
};
/// Whether packets may leave a link with their checksums and segmentation left to the device. Off:
/// what is captured behind the link is what a wire would carry.
struct OffloadSet {
  std::string link;
  bool on = false;
  bool operator==(const OffloadSet&) const = default;
};

using Action = std::variant<LinkAdd, VethAdd, LinkSet, LinkDelete, AddressAdd, AddressDelete,
                            RouteReplace, RouteDelete, NeighborReplace, NeighborDelete, SysctlSet,
                            ClsactAdd, FilterReplace, FilterDelete, OffloadSet>;

/// One change of the kernel as a value: what, where and why. The list that is printed by dry-run
/// and `why` is the list that is applied (DESIGN idea 4).
struct Operation {
  std::string netns;  ///< Namespace it acts in, as `ip netns` names it; empty = the current one.
  Action action;
  std::string reason;  ///< A sentence for people: "pod default/web needs its half of the cable".
  bool operator==(const Operation&) const = default;
};

/// Adds operations behind others.
void append(std::vector<Operation>& all, std::vector<Operation> more);

/// The command a person would type: "ip -n k8s-w1 route replace …", "tc -n k8s-w1 filter replace
/// …", "sysctl -w …" (inside a namespace: "ip netns exec k8s-w1 sysctl -w …").
std::string to_command(const Operation& operation);

}  // namespace hoplab
