#include "runtime/plan/node_network.h"

#include <algorithm>

#include "runtime/plan/block_routes.h"
#include "runtime/plan/ipam.h"
#include "runtime/plan/tunnel_plan.h"

namespace hoplab::plan {

namespace {

/// The blocks that the nodes claim, in the order of the file.
std::vector<BlockOwner> first_blocks(const ClusterConfig& config) {
  const std::vector<AddressPool> pools{
      {"default-ipv4-ippool", config.pod_network, config.block_size}};
  std::vector<Prefix> taken;
  std::vector<BlockOwner> out;
  for (const auto& host : config.hosts) {
    if (!host.is_node()) continue;
    std::vector<Prefix> pinned;
    for (const auto& other : config.hosts) {
      if (&other != &host && other.first_block) pinned.push_back(*other.first_block);
    }
    const auto block = choose_block(pools, host.name, host.first_block, taken, pinned);
    if (!block) continue;  // The pool has no more: the node stays without.
    out.push_back({*block, host.name, Encapsulation::always, {}});
    taken.insert(std::upper_bound(taken.begin(), taken.end(), *block), *block);
  }
  return out;
}

std::vector<Operation> operations_of(const BlockRoutesInput& routes, const NodeTunnel& tunnel,
                                     Ipv4 tunnel_address) {
  std::vector<Operation> out{{routes.netns, SysctlSet{"net/ipv4/ip_forward", "1"},
                              "a node routes packets between its pods and the other nodes"}};
  Link link;
  link.name = tunnel.link;
  link.mtu = tunnel.mtu;
  link.up = true;
  append(out,
         plan_tunnel_link({routes.netns, tunnel.link, tunnel.mtu, Prefix::host(tunnel_address)},
                          &link, {}));
  if (tunnel.neighbors) append(out, plan_tunnel_neighbors(routes, {}));
  append(out, plan_block_routes(routes, {}).operations);
  return out;
}

}  // namespace

std::vector<NodeNetworkPlan> plan_node_networks(const ClusterConfig& config,
                                                const NodeTunnel& tunnel) {
  BlockRoutesInput routes;
  routes.tunnel = tunnel.link;
  routes.blocks = first_blocks(config);
  for (const auto& host : config.hosts) {
    if (host.is_node() && !host.interfaces.empty()) {
      routes.nodes.push_back({host.name, host.interfaces.front().address});
    }
  }
  std::vector<NodeNetworkPlan> out;
  for (const BlockOwner& block : routes.blocks) {
    const HostConfig& host = *config.find_host(block.node);
    if (host.interfaces.empty()) continue;
    routes.own_node = routes.netns = host.name;
    routes.uplink = host.interfaces.front().name;
    routes.uplink_gateway = host.gateway;
    const Ipv4 address = block.cidr.address();
    out.push_back(
        {host.name, host.address(), block.cidr, address, operations_of(routes, tunnel, address)});
  }
  return out;
}

}  // namespace hoplab::plan
