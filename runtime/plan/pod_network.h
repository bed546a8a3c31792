#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/model/operation.h"

/// Pure planners: values in, values out; no I/O, no clock, no locks, safe from any thread.
namespace hoplab::plan {

/// The address every pod uses as its gateway. No interface has it: the host's proxy ARP answers.
inline constexpr Ipv4 pod_gateway(169, 254, 1, 1);
/// The MAC address of the host's end of every pod's veth pair.
inline constexpr Mac pod_gateway_mac{{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}};

/// One pod's attachment to its node, as Calico's CNI plugin makes it (facts/calico.md 1).
struct PodNetwork {
  std::string node_netns;  ///< The node's namespace, as people name it; empty = the current one.
  std::string pod_netns;   ///< The pod's, likewise; also what apply() looks the descriptor up by.
  std::string namespace_name;  ///< Kubernetes namespace.
  std::string pod;             ///< Pod name.
  Ipv4 ip;
  uint32_t mtu = 1480;
  std::string interface = "eth0";  ///< Name of the interface inside the pod.
  /// A link of the host end's name was observed before the pod was wired; it is deleted first.
  bool stale_link = false;
};

/// "cali" and the first 11 hex digits of SHA-1("<namespace>.<pod>").
std::string host_link_name(std::string_view namespace_name, std::string_view pod);

/// The node's half, one batch: veth pair with its peer made directly inside the pod's namespace,
/// sysctls of the host end, route to the pod. Batches of many pods may be joined.
std::vector<Operation> wire_node_side(const PodNetwork& network);
/// After both halves, wait for the host ends with settle_links() (runtime/netlink/settle.h), or one
/// pod in twenty loses its first ARP answer and with it a second.
/// The pod's half, one batch, after the node's: IPv6 off, lo and eth0 up, address, routes.
std::vector<Operation> wire_pod_side(const PodNetwork& network);
/// Both halves in the order they are applied; what `hoplab why pod` prints.
std::vector<Operation> wire_pod(const PodNetwork& network);
/// The reverse, in the node's namespace. Deleting the host end takes the peer and its routes along.
/// Without an address only the link is deleted. Apply with absent_errnos(): either may be gone.
std::vector<Operation> unwire_pod(const PodNetwork& network);

/// Proxy ARP answers for 169.254.1.1 only if the node itself has a route to it, normally its
/// default route (facts/kernel.md P4). Returns the route to add when `routes` (the node's main
/// table) has none; `uplink` is the node's interface towards the other nodes.
std::optional<Operation> proxy_arp_route(const std::vector<Route>& routes,
                                         const std::string& node_netns, const std::string& uplink);

}  // namespace hoplab::plan
