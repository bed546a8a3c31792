#include "runtime/plan/block_routes.h"

#include <algorithm>
#include <map>

#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

constexpr uint32_t main_table = 254;

struct Wanted {
  Route route;
  std::string reason;
};

using NodesByName = std::map<std::string, Prefix>;

/// The route to `destination` on the node with address `peer`, from the node with address `own`.
std::optional<Route> route_to_node(const BlockRoutesInput& input, const Prefix& own,
                                   const Prefix& peer, const Prefix& destination,
                                   Encapsulation encapsulation) {
  Route route;
  route.destination = destination.masked();
  route.protocol = route_protocol::bird;
  const bool same_subnet = own.contains(peer.address());
  const bool tunnelled = encapsulation == Encapsulation::always ||
                         (encapsulation == Encapsulation::cross_subnet && !same_subnet);
  if (tunnelled) {
    route.gateway = peer.address();
    route.link = input.tunnel;
    route.onlink = true;  // the node's address lies outside tunl0's /32
    return route;
  }
  route.gateway = same_subnet ? peer.address() : input.uplink_gateway;
  route.link = input.uplink;
  if (!route.gateway) return std::nullopt;
  return route;
}

std::string remote_reason(const Prefix& destination, const std::string& node, const Route& route) {
  return str("the pods of ", to_string(destination), " are on ", node,
             route.onlink ? "; packets to them travel inside packets between the nodes" : "");
}

void want_block(const BlockRoutesInput& input, const NodesByName& nodes, const Prefix& own,
                const BlockOwner& block, std::map<Prefix, Wanted>& out) {
  const Prefix cidr = block.cidr.masked();
  if (block.node == input.own_node) {
    if (cidr.length() < 32) {
      Route hole;
      hole.destination = cidr;
      hole.type = RouteType::blackhole;
      hole.protocol = route_protocol::bird;
      out[cidr] = {hole, str("addresses of our own block ", to_string(cidr),
                             " that no pod has must not leave through the default route")};
    }
  } else if (auto peer = nodes.find(block.node); peer != nodes.end()) {
    if (auto route = route_to_node(input, own, peer->second, cidr, block.encapsulation)) {
      out[cidr] = {*route, remote_reason(cidr, block.node, *route)};
    }
  }
  for (const BorrowedAddress& borrowed : block.borrowed) {
    auto peer = nodes.find(borrowed.node);
    if (borrowed.node == input.own_node || peer == nodes.end()) continue;
    const Prefix host = Prefix::host(borrowed.ip);
    if (auto route = route_to_node(input, own, peer->second, host, block.encapsulation)) {
      out[host] = {*route, str(borrowed.node, " borrowed ", to_string(borrowed.ip), " from block ",
                               to_string(cidr))};
    }
  }
}

std::map<Prefix, Wanted> wanted_routes(const BlockRoutesInput& input) {
  NodesByName nodes;
  for (const RouteNode& node : input.nodes) nodes[node.name] = node.address;
  std::map<Prefix, Wanted> out;
  auto own = nodes.find(input.own_node);
  if (own == nodes.end()) return out;  // without our own address every route would be a guess
  for (const BlockOwner& block : input.blocks) want_block(input, nodes, own->second, block, out);
  return out;
}

bool is_ours(const Route& route) {
  return route.table == main_table && route.protocol == route_protocol::bird;
}

}  // namespace

Encapsulation encapsulation_of(std::string_view ipip_mode) {
  if (ipip_mode == "Always") return Encapsulation::always;
  if (ipip_mode == "CrossSubnet") return Encapsulation::cross_subnet;
  return Encapsulation::never;
}

std::vector<Route> desired_block_routes(const BlockRoutesInput& input) {
  std::vector<Route> out;
  for (auto& [prefix, wanted] : wanted_routes(input)) out.push_back(wanted.route);
  return out;
}

RoutePlan plan_block_routes(const BlockRoutesInput& input, const std::vector<Route>& observed) {
  const std::map<Prefix, Wanted> wanted = wanted_routes(input);
  std::map<Prefix, const Route*> ours;
  std::map<Prefix, const Route*> foreign;
  for (const Route& route : observed) {
    // Only a route of the same metric stands in the way: it would be replaced.
    if (is_ours(route)) {
      ours[route.destination] = &route;
    } else if (route.table == main_table && route.metric == 0) {
      foreign[route.destination] = &route;
    }
  }
  RoutePlan plan;
  for (const auto& [prefix, want] : wanted) {
    if (auto have = ours.find(prefix); have != ours.end() && *have->second == want.route) continue;
    if (auto other = foreign.find(prefix); other != foreign.end()) {
      plan.conflicts.push_back(str("no route of ours to ", to_string(prefix),
                                   ": somebody else's route holds it (protocol ",
                                   static_cast<int>(other->second->protocol), ", dev ",
                                   other->second->link, "); delete that one"));
      continue;
    }
    plan.operations.push_back({input.netns, RouteReplace{want.route}, want.reason});
  }
  for (const Route& route : observed) {
    if (!is_ours(route) || wanted.contains(route.destination)) continue;
    plan.operations.push_back(
        {input.netns, RouteDelete{route},
         str("no block or node stands behind ", to_string(route.destination), " any more")});
  }
  return plan;
}

}  // namespace hoplab::plan
