#include "runtime/plan/explain_pod.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/plan/pod_network.h"
#include "store/api/kind.h"

namespace hoplab::plan {

namespace {

/// The operation by which this node reaches the address: the most specific of its block routes.
std::optional<Operation> route_towards(const ExplainPodInput& input, const std::string& node,
                                       Ipv4 ip) {
  BlockRoutesInput routes;
  routes.own_node = node;
  routes.netns = node;
  routes.nodes = input.nodes;
  routes.blocks = input.blocks;
  std::optional<Operation> best;
  uint8_t longest = 0;
  for (const Operation& operation : plan_block_routes(routes, {}).operations) {
    const Route& route = std::get<RouteReplace>(operation.action).route;
    if (!route.destination.contains(ip) || route.destination.length() < longest) continue;
    longest = route.destination.length();
    best = operation;
  }
  return best;
}

}  // namespace

Result<PodExplanation> explain_pod(const ExplainPodInput& input) {
  const std::string name = api::key_of(input.pod);
  const Json& spec = member(input.pod, "spec");
  if (bool_or(spec, "hostNetwork")) {
    return Error(
        ErrorCode::invalid,
        str("pod ", name, " uses its node's own network (hostNetwork): nothing was wired"));
  }
  PodNetwork network;
  network.node_netns = string_or(spec, "nodeName");
  if (network.node_netns.empty()) {
    return Error(ErrorCode::not_found,
                 str("pod ", name, " is on no node yet; kubectl describe pod says why"));
  }
  const std::string address = string_or(member(input.pod, "status"), "podIP");
  auto ip = Ipv4::parse(address);
  if (!ip) {
    return Error(ErrorCode::not_found,
                 str("pod ", name, " has no address yet; kubectl describe pod says why"));
  }
  network.pod_netns = input.pod_netns;
  network.namespace_name = api::namespace_of(input.pod);
  network.pod = api::name_of(input.pod);
  network.ip = *ip;
  network.mtu = input.mtu;
  PodExplanation out;
  out.wiring = wire_pod(network);
  std::vector<RouteNode> nodes = input.nodes;
  std::sort(nodes.begin(), nodes.end(),
            [](const RouteNode& a, const RouteNode& b) { return a.name < b.name; });
  for (const RouteNode& node : nodes) {
    if (node.name == network.node_netns) continue;
    if (auto route = route_towards(input, node.name, *ip)) out.routes.push_back(*route);
  }
  return out;
}

}  // namespace hoplab::plan
