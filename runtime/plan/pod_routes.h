#pragma once

#include <string>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/model/link.h"
#include "runtime/model/operation.h"
#include "runtime/model/route.h"
#include "runtime/plan/ipam.h"

namespace hoplab::plan {

/// A pod of this node, as IPAM knows it.
struct LocalPod {
  std::string name;  ///< "namespace/pod"
  std::string link;  ///< Its cable's end on the node.
  Ipv4 ip;
  bool operator==(const LocalPod&) const = default;
};

/// The pods of `node` that have an address of this block.
std::vector<LocalPod> local_pods(const AddressBlock& block, const std::string& node);

/// Puts the routes back that pods lack though their links are there. A pod that is being wired, or
/// unwired, is in that state for a moment; only what lasts is somebody's doing.
std::vector<Operation> missing_pod_routes(const std::vector<LocalPod>& pods,
                                          const std::vector<Link>& links,
                                          const std::vector<Route>& routes);

}  // namespace hoplab::plan
