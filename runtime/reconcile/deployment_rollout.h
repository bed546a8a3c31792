#pragma once

#include <string>
#include <vector>

#include "runtime/reconcile/deployment_plan.h"

namespace hoplab::reconcile {

/// A ReplicaSet as the arithmetic of a rollout sees it.
struct RolloutSet {
  std::string name;
  int64_t replicas = 0;   ///< Wished for.
  int64_t available = 0;  ///< Observed.
  int64_t observed = 0;   ///< Pods that exist.
};

struct RolloutLimits {
  int64_t replicas = 0;
  int64_t max_surge = 0;        ///< Pods above `replicas` at most.
  int64_t max_unavailable = 0;  ///< Pods below `replicas` at most.
};

RolloutLimits rollout_limits(const Json& deployment);

/// How many replicas a fresh ReplicaSet may start with beside the old ones.
int64_t first_replicas(const RolloutLimits& limits, const std::vector<RolloutSet>& old);

/// The next scale steps of a rolling update: first the new one up (or down to the wish), else old
/// ones down, unhealthy pods before healthy ones, oldest ReplicaSet first. `old` is sorted oldest
/// first.
std::vector<ScaleStep> rolling_steps(const RolloutLimits& limits, const RolloutSet& current,
                                     const std::vector<RolloutSet>& old);

}  // namespace hoplab::reconcile
