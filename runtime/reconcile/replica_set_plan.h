#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "store/object_store.h"

namespace hoplab::reconcile {

/// What a ReplicaSet needs to become true.
struct ReplicaSetPlan {
  std::vector<std::string> adopt;    ///< Pods that match and belong to nobody.
  std::vector<std::string> release;  ///< Own pods that match no more.
  int64_t create = 0;
  std::vector<std::string> remove;   ///< Surplus pods, the least useful first.
  Json status;                       ///< As observed now, before the changes above.
  std::optional<Millis> look_again;  ///< When a ready pod becomes available.
};

/// Pure. `pods` are those of the ReplicaSet's namespace.
ReplicaSetPlan plan_replica_set(const Json& set, const std::vector<SharedJson>& pods, WallTime now);

/// The pod that a controller makes from a template: labels, annotations, spec, owner, and a
/// generateName from the owner's name.
Json pod_from_template(const Json& pod_template, const Json& owner);

}  // namespace hoplab::reconcile
