#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "store/object_store.h"

namespace hoplab::reconcile {

struct DaemonSetPlan {
  std::vector<std::string> create;  ///< Nodes that need a pod.
  std::vector<std::string> remove;  ///< Pods: misplaced, finished, doubled or outdated.
  Json status;                      ///< As observed now.
  std::optional<Millis> look_again;
};

/// Whether a pod of the DaemonSet belongs on the node: selection and taints, where daemon pods
/// tolerate a node that is not ready, unreachable, cordoned or under pressure.
bool daemon_runs_on(const Json& set, const Json& node);

/// One pod per fitting node; template changes are rolled out within maxUnavailable (or left to the
/// person, OnDelete). Pure. `pods` are those of the namespace.
DaemonSetPlan plan_daemon_set(const Json& set, const std::vector<SharedJson>& nodes,
                              const std::vector<SharedJson>& pods, WallTime now);

/// The pod for a node: bound to it from the start, with the daemon tolerations.
Json daemon_pod(const Json& set, const std::string& node);

}  // namespace hoplab::reconcile
