#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/reconcile/node_fit.h"
#include "store/object_store.h"

namespace hoplab::reconcile {

struct Placement {
  SharedJson pod;
  std::string node;    ///< Empty when no node fits.
  std::string reason;  ///< Then: "0/4 nodes are available: 4 node(s) were unschedulable."
};

/// Whether the scheduler has to place this pod.
bool needs_node(const Json& pod);

/// Places all waiting pods, one after the other, each seeing the ones before it: onto the fitting
/// node with the fewest pods of the same owner, then the fewest pods, then the least requested cpu,
/// then by name. Pure; the same input gives the same placements.
std::vector<Placement> place_pods(const std::vector<SharedJson>& pods,
                                  const std::vector<SharedJson>& nodes);

}  // namespace hoplab::reconcile
