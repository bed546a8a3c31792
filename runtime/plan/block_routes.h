#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/model/operation.h"

namespace hoplab::plan {

/// How pod packets travel to another node's block: an IP pool's ipipMode.
enum class Encapsulation {
  never,         ///< Plain routes; the fabric between the nodes must know the pods.
  always,        ///< IP in IP to every other node.
  cross_subnet,  ///< IP in IP only to nodes outside our own subnet.
};
/// From "Never", "Always", "CrossSubnet"; anything else is `never`.
Encapsulation encapsulation_of(std::string_view ipip_mode);

/// A node as the routes see it.
struct RouteNode {
  std::string name;
  Prefix address;  ///< Its address with the length of its subnet: 192.168.10.101/24.
  bool operator==(const RouteNode&) const = default;
};

/// An address of a block that another node than the block's owner uses.
struct BorrowedAddress {
  Ipv4 ip;
  std::string node;
  bool operator==(const BorrowedAddress&) const = default;
};

/// An IPAM block and who owns it.
struct BlockOwner {
  Prefix cidr;
  std::string node;  ///< Empty when its node was removed.
  Encapsulation encapsulation = Encapsulation::always;
  std::vector<BorrowedAddress> borrowed;
  bool operator==(const BlockOwner&) const = default;
};

/// What the block routes of one node follow from.
struct BlockRoutesInput {
  std::string own_node;
  std::vector<RouteNode> nodes;
  std::vector<BlockOwner> blocks;
  std::string uplink = "eth0";  ///< The interface towards the other nodes.
  std::string tunnel = "tunl0";
  /// Where packets to nodes outside the own subnet go when nothing encapsulates them.
  std::optional<Ipv4> uplink_gateway;
  std::string netns;  ///< For the operations; empty = the current one.
  bool operator==(const BlockRoutesInput&) const = default;
};

/// The routes that Calico's BIRD would make (facts/calico.md 3): one per remote block, a blackhole
/// per own block, a /32 per borrowed address; all `proto bird`. Sorted by destination. Blocks of
/// nodes that are not in `nodes` have no route yet.
std::vector<Route> desired_block_routes(const BlockRoutesInput& input);

struct RoutePlan {
  std::vector<Operation> operations;
  /// Destinations left alone because somebody else's route holds them; sentences for people.
  std::vector<std::string> conflicts;
};

/// The difference to `observed` (the node's routes, any table and protocol). Adds come before
/// deletes. Only routes of the main table with protocol bird are ever replaced or deleted.
RoutePlan plan_block_routes(const BlockRoutesInput& input, const std::vector<Route>& observed);

}  // namespace hoplab::plan
