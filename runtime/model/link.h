#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/ip.h"

namespace hoplab {

/// Kind of a link as `ip -d link` names it. `other` is anything we only look at.
enum class LinkKind {
  loopback,
  veth,
  bridge,
  vxlan,
  ipip,
  tun,
  dummy,
  ifb,
  macvlan,
  device,
  other
};

std::string_view to_string(LinkKind kind);
/// The kind behind a kernel name (IFLA_INFO_KIND): "veth", "bridge", …; `other` if we know none.
LinkKind parse_link_kind(std::string_view name);

/// A network interface, desired or observed. Empty/zero fields mean "kernel's choice" when desired.
struct Link {
  std::string name;  ///< At most 15 bytes.
  LinkKind kind = LinkKind::other;
  std::optional<Mac> mac;
  uint32_t mtu = 0;
  bool up = false;
  std::string master;  ///< Name of the bridge this link is a port of; empty for none.
  std::string alias;   ///< IFLA_IFALIAS. Set by LinkSet only: the kernel ignores it in an add.
  uint32_t group = 0;  ///< IFLA_GROUP; links of one group are deleted with one request.

  // Read from the kernel only.
  int32_t index = 0;
  int32_t peer_index = 0;      ///< veth: the other end's index in its own namespace.
  int32_t peer_netns_id = -1;  ///< veth: nsid of the other end, -1 when it is the same namespace.
  bool carrier = false;
  bool arp = true;  ///< False: NOARP, next hops are not asked for their MACs.
  uint64_t rx_packets = 0, tx_packets = 0, rx_bytes = 0, tx_bytes = 0, rx_dropped = 0,
           tx_dropped = 0;

  bool operator==(const Link&) const = default;
};

/// An IPv4 address on a link.
struct Address {
  std::string link;
  Prefix prefix;  ///< address/length, host bits kept.
  std::optional<Ipv4> broadcast;
  auto operator<=>(const Address&) const = default;
};

/// A neighbor (ARP) entry or a proxy entry.
struct Neighbor {
  std::string link;
  Ipv4 ip;
  std::optional<Mac> mac;  ///< None while unresolved, and for proxy entries.
  bool permanent = false;
  bool proxy = false;
  std::string state;  ///< "REACHABLE", "STALE", "PERMANENT", …; read from the kernel only.
  bool operator==(const Neighbor&) const = default;
};

}  // namespace hoplab
