#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "store/object_store.h"

namespace hoplab::reconcile {

struct ScaleStep {
  std::string replica_set;
  int64_t from = 0;
  int64_t to = 0;
  bool operator==(const ScaleStep&) const = default;
};

/// What a Deployment needs next; small steps, each of which wakes the next one.
struct DeploymentPlan {
  std::optional<Json> create;       ///< The ReplicaSet of the present template.
  std::vector<ScaleStep> scale;     ///< Other ReplicaSets' replicas.
  std::vector<std::string> remove;  ///< Old ReplicaSets past revisionHistoryLimit.
  /// Annotations that the present template's ReplicaSet should have (revision, replicas).
  std::string current;  ///< Its name; empty when it is still to be created (or paused).
  Json current_annotations;
  std::string revision;              ///< For the Deployment's own annotation; empty = leave it.
  Json status;                       ///< As observed now, before the changes above.
  std::optional<Millis> look_again;  ///< When the progress deadline passes.
};

/// Kubernetes' rolling update (maxSurge, maxUnavailable), Recreate, pause, revisions and
/// conditions, as `kubectl rollout` reads them (facts/kubectl.md 4). Pure. `sets` are the
/// ReplicaSets that the Deployment controls, `pods_of_old` whether old ReplicaSets still have pods
/// (only Recreate asks).
DeploymentPlan plan_deployment(const Json& deployment, const std::vector<SharedJson>& sets,
                               bool pods_of_old, WallTime now);

}  // namespace hoplab::reconcile
