#include "runtime/reconcile/deployment_rollout.h"

#include <algorithm>

#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

int64_t wished(const std::vector<RolloutSet>& sets) {
  int64_t sum = 0;
  for (const RolloutSet& set : sets) sum += set.replicas;
  return sum;
}

int64_t available(const std::vector<RolloutSet>& sets) {
  int64_t sum = 0;
  for (const RolloutSet& set : sets) sum += set.available;
  return sum;
}

void add_step(std::vector<ScaleStep>& steps, const RolloutSet& set, int64_t to) {
  if (to != set.replicas) {
    steps.push_back({.replica_set = set.name, .from = set.replicas, .to = to});
  }
}

}  // namespace

RolloutLimits rollout_limits(const Json& deployment) {
  const Json& spec = member(deployment, "spec");
  const Json& rolling = at_path(spec, "strategy.rollingUpdate");
  RolloutLimits limits{.replicas = int_or(spec, "replicas", 1)};
  limits.max_surge =
      int_or_percent(member(rolling, "maxSurge"), limits.replicas, true, (limits.replicas + 3) / 4);
  limits.max_unavailable = int_or_percent(member(rolling, "maxUnavailable"), limits.replicas, false,
                                          limits.replicas / 4);
  if (limits.max_surge == 0 && limits.max_unavailable == 0) limits.max_unavailable = 1;
  limits.max_unavailable = std::min(limits.max_unavailable, limits.replicas);
  return limits;
}

int64_t first_replicas(const RolloutLimits& limits, const std::vector<RolloutSet>& old) {
  const int64_t room = limits.replicas + limits.max_surge - wished(old);
  return std::clamp<int64_t>(room, 0, limits.replicas);
}

std::vector<ScaleStep> rolling_steps(const RolloutLimits& limits, const RolloutSet& current,
                                     const std::vector<RolloutSet>& old) {
  std::vector<ScaleStep> steps;
  const int64_t all = wished(old) + current.replicas;
  if (current.replicas > limits.replicas) {
    add_step(steps, current, limits.replicas);
    return steps;
  }
  const int64_t room = limits.replicas + limits.max_surge - all;
  if (room > 0 && current.replicas < limits.replicas) {
    add_step(steps, current, std::min(limits.replicas, current.replicas + room));
    return steps;
  }
  if (wished(old) == 0) return steps;
  const int64_t least = limits.replicas - limits.max_unavailable;
  int64_t may_go = all - least - (current.replicas - current.available);
  if (may_go <= 0) return steps;
  // Pods that do not work anyway go first, whatever is available; then healthy ones, as long as
  // enough stay available.
  int64_t healthy_may_go = available(old) + current.available - least;
  for (const RolloutSet& set : old) {
    const int64_t broken = std::min(may_go, std::max<int64_t>(0, set.replicas - set.available));
    may_go -= broken;
    const int64_t left = set.replicas - broken;
    const int64_t healthy =
        std::clamp<int64_t>(std::min(may_go, healthy_may_go), 0, std::min(left, set.available));
    may_go -= healthy;
    healthy_may_go -= healthy;
    add_step(steps, set, left - healthy);
  }
  return steps;
}

}  // namespace hoplab::reconcile
