#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "store/object_store.h"

namespace hoplab::reconcile {

/// What the control plane says about a node. Pure.
struct NodeVerdict {
  Json node;  ///< With the taints and conditions it should have.
  bool spec_changed = false;
  bool status_changed = false;
  bool ready = false;
};

/// `silent` = its Lease has not been renewed for the grace period. A silent node's conditions
/// become Unknown; taints follow the conditions and spec.unschedulable.
NodeVerdict judge_node(const Json& node, bool silent, WallTime now);

/// What happens to a pod on a node with NoExecute taints that it does not tolerate for ever.
struct Eviction {
  std::string namespace_name;
  std::string pod;
  std::optional<Millis> in;  ///< Nullopt = now.
};
std::vector<Eviction> evictions(const Json& node, const std::vector<SharedJson>& pods,
                                WallTime now);

}  // namespace hoplab::reconcile
