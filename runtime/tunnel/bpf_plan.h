#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/model/operation.h"

namespace hoplab::tunnel {

/// Names, places and order of the two filters; `tc filter show` prints them.
inline constexpr const char* encap_name = "ipip_encap";
inline constexpr const char* decap_name = "ipip_decap";
BpfFilter encap_filter(const std::string& tunnel);
BpfFilter decap_filter(const std::string& uplink);

/// The link that packets to other nodes leave by, and the node's address on it.
struct Uplink {
  std::string link;
  Ipv4 address;
  bool operator==(const Uplink&) const = default;
};

/// What the eBPF tunnel reads of its namespace.
struct BpfObserved {
  std::vector<Link> links;
  std::vector<Address> addresses;
  std::vector<Route> routes;
  std::vector<BpfFilter> filters;  ///< At the ingress of every link that may be an uplink, and of
                                   ///< the tunnel's peer.
  std::vector<Qdisc> qdiscs;
  std::string forwarding;  ///< net/ipv4/conf/TUNNEL/forwarding

  [[nodiscard]] const Link* link(const std::string& name) const;
  [[nodiscard]] const BpfFilter* filter(const BpfFilter& place) const;
  [[nodiscard]] bool has_clsact(const std::string& link) const;
};

/// Where the kernel would send a packet to a node: by the routes to the gateways of the routes
/// through the tunnel, else by the default route. The address is the route's source, else the
/// link's in the gateway's network, else its first one. Nothing while the node is not wired.
std::optional<Uplink> find_uplink(const BpfObserved& observed, const std::string& tunnel);

/// Pure. What differs: tunl0 without ARP, the peer's and the uplink's filters with the programs of
/// these tags; filters of ours at other links go last. Nothing when all is as wanted, so that a
/// restart touches nothing.
std::vector<Operation> plan_bpf_tunnel(const BpfObserved& observed, const std::string& tunnel,
                                       const std::optional<Uplink>& uplink, uint64_t encap_tag,
                                       uint64_t decap_tag);

/// Takes the programs away and gives tunl0 its ARP back, for a process to carry the packets.
std::vector<Operation> plan_without_bpf(const BpfObserved& observed, const std::string& tunnel);

}  // namespace hoplab::tunnel
