#pragma once

#include <string>
#include <vector>

#include "runtime/model/operation.h"
#include "runtime/plan/cluster_config.h"

namespace hoplab::plan {

struct NodeTunnel {
  std::string link = "tunl0";
  uint32_t mtu = 1480;
  bool neighbors = false;  ///< A process carries the packets and reads the node from the MAC.
};

/// What one node gets besides its cables, before it has a pod.
struct NodeNetworkPlan {
  std::string name;
  Ipv4 address;
  Prefix block;         ///< The first block that IPAM gives it.
  Ipv4 tunnel_address;  ///< The block's first address.
  std::vector<Operation> operations;
};

/// Every node's, from the cluster file alone: what IPAM and calico-node arrive at when all nodes
/// start together and nothing else has claimed a block. The tunnel's link is there and up, without
/// an address. Pure.
std::vector<NodeNetworkPlan> plan_node_networks(const ClusterConfig& config,
                                                const NodeTunnel& tunnel);

}  // namespace hoplab::plan
