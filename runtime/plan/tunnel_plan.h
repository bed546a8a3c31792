#pragma once

#include <string>
#include <vector>

#include "runtime/model/operation.h"
#include "runtime/plan/block_routes.h"

namespace hoplab::plan {

/// The MAC that stands for a node in the neighbor table of a tunl0 that is a veth pair: 02:00 and
/// the node's IPv4 address. The tunnel process reads the next hop back from it (facts/kernel.md
/// P9).
Mac tunnel_next_hop_mac(Ipv4 node);

/// What tunl0 must be. The link itself is made by the kernel module or by `hoplab tunnel`.
struct TunnelInput {
  std::string netns;
  std::string tunnel = "tunl0";
  uint32_t mtu = 1480;  ///< The uplink's MTU minus 20.
  Prefix address;       ///< The tunnel's IPAM address, a /32.
};

/// MTU, the one address (others are removed), and up: only what `observed` differs in. `link` is
/// null while the tunnel link does not exist; then there is nothing to do yet.
std::vector<Operation> plan_tunnel_link(const TunnelInput& input, const Link* link,
                                        const std::vector<Address>& observed);

/// A veth pair whose packets a process carries. One with eBPF programs has no ARP.
bool tunnel_needs_neighbors(const Link& tunnel);

/// One permanent neighbor per node that routes point to through the tunnel, where
/// tunnel_needs_neighbors(); stale ones of ours are deleted. Only neighbors on the tunnel link with
/// a 02:00 MAC are ours.
std::vector<Operation> plan_tunnel_neighbors(const BlockRoutesInput& input,
                                             const std::vector<Neighbor>& observed);

}  // namespace hoplab::plan
