#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/plan/block_routes.h"
#include "runtime/plan/ipam.h"

/// What calico-node reads out of the cluster's objects. Pure; bad objects give `invalid` and leave
/// the others usable.
namespace hoplab::plan {

/// An IPPool as routes and NAT see it.
struct PoolView {
  AddressPool addresses;
  Encapsulation encapsulation = Encapsulation::never;
  bool nat_outgoing = false;
  bool operator==(const PoolView&) const = default;
};
Result<PoolView> pool_view(const Json& pool);

/// Annotations that Calico keeps on a Node: its address with the subnet's length, and tunl0's.
inline constexpr std::string_view node_address_annotation = "projectcalico.org/IPv4Address";
inline constexpr std::string_view tunnel_address_annotation =
    "projectcalico.org/IPv4IPIPTunnelAddr";

/// Where a node is: by its annotation, else its InternalIP as a /32; nullopt when it has neither.
std::optional<RouteNode> route_node(const Json& node);

/// A block with its owner, its pool's encapsulation, and who borrowed from it.
Result<BlockOwner> block_owner(const Json& block, std::span<const PoolView> pools);

/// Addresses allocated in `before` and not in `now`; either may be null.
std::set<Ipv4> freed_addresses(const Json* before, const Json* now);

/// The CNI configuration whose presence makes a node Ready: Calico's 10-calico.conflist.
std::string cni_conflist(const std::string& node, uint32_t mtu);

}  // namespace hoplab::plan
