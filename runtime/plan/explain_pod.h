#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/model/operation.h"
#include "runtime/plan/block_routes.h"

namespace hoplab::plan {

/// For `hoplab why pod`: what is in the kernels because of one pod, in the words of those who made
/// it. The operations are the ones that were applied; to_command() says what a person would type.
struct PodExplanation {
  std::vector<Operation> wiring;  ///< The pod's cable, in the node's and in the pod's namespace.
  /// Per other node, the route by which packets for the pod leave it (its block's, or its own when
  /// the address is borrowed), in the order of the nodes' names.
  std::vector<Operation> routes;
};

/// What the explanation follows from.
struct ExplainPodInput {
  Json pod;
  std::string pod_netns;  ///< How people reach the pod's namespace; may be empty.
  uint32_t mtu = 1480;
  std::vector<RouteNode> nodes;
  std::vector<BlockOwner> blocks;  ///< By block_owner().
};

/// Fails with `invalid` when the pod has no network of its own (hostNetwork), `not_found` while it
/// has no node or no address yet; the message says why.
Result<PodExplanation> explain_pod(const ExplainPodInput& input);

}  // namespace hoplab::plan
