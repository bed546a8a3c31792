#include "runtime/reconcile/deployment_status.h"

#include "runtime/base/text.h"
#include "runtime/reconcile/claim.h"
#include "runtime/reconcile/deployment_rollout.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

int64_t sum(const std::vector<SharedJson>& sets, const char* field) {
  int64_t total = 0;
  for (const SharedJson& set : sets) total += int_or(member(*set, "status"), field);
  return total;
}

Json* find(Json& conditions, std::string_view type) {
  for (Json& row : conditions) {
    if (string_or(row, "type") == type) return &row;
  }
  return nullptr;
}

/// Whether the rollout moved since the status before.
bool progressed(const Json& before, const Json& now) {
  const auto old_pods = [](const Json& s) {
    return int_or(s, "replicas") - int_or(s, "updatedReplicas");
  };
  return int_or(now, "updatedReplicas") > int_or(before, "updatedReplicas") ||
         old_pods(now) < old_pods(before) ||
         int_or(now, "readyReplicas") > int_or(before, "readyReplicas") ||
         int_or(now, "availableReplicas") > int_or(before, "availableReplicas");
}

/// lastUpdateTime moves with every change of the condition, lastTransitionTime only with status.
void set_progressing(Json& conditions, std::string_view status, std::string_view reason,
                     const std::string& message, const std::string& now, bool touch) {
  const bool changed = set_condition(conditions, "Progressing", status, reason, message, now);
  Json& row = *find(conditions, "Progressing");
  if (changed || touch || !row.contains("lastUpdateTime")) row["lastUpdateTime"] = now;
}

void judge_available(Json& conditions, bool enough, const std::string& now) {
  const Json* had = find(conditions, "Available");
  const std::string updated = had != nullptr ? string_or(*had, "lastUpdateTime") : "";
  const bool changed =
      enough ? set_condition(conditions, "Available", "True", "MinimumReplicasAvailable",
                             "Deployment has minimum availability.", now)
             : set_condition(conditions, "Available", "False", "MinimumReplicasUnavailable",
                             "Deployment does not have minimum availability.", now);
  (*find(conditions, "Available"))["lastUpdateTime"] = changed || updated.empty() ? now : updated;
}

void judge_progress(const Json& deployment, const Json* current, const Json& status,
                    Json& conditions, WallTime now, std::optional<Millis>* look_again) {
  const std::string stamp = to_rfc3339(now);
  const Json& spec = member(deployment, "spec");
  const Json* had = find(conditions, "Progressing");
  const std::string reason = had != nullptr ? string_or(*had, "reason") : "";
  if (bool_or(spec, "paused")) {
    if (reason != "DeploymentPaused") {
      set_progressing(conditions, "Unknown", "DeploymentPaused", "Deployment is paused", stamp,
                      false);
    }
    return;
  }
  if (current == nullptr) return;
  const std::string name = str("ReplicaSet \"", api::name_of(*current), "\"");
  if (deployment_complete(deployment, status)) {
    set_progressing(conditions, "True", "NewReplicaSetAvailable",
                    name + " has successfully progressed.", stamp, false);
    return;
  }
  if (had == nullptr) {
    set_progressing(conditions, "True", "NewReplicaSetCreated",
                    str("Created new replica set \"", api::name_of(*current), "\""), stamp, false);
  } else if (progressed(member(deployment, "status"), status) ||
             reason == "NewReplicaSetAvailable" || reason == "DeploymentPaused") {
    set_progressing(conditions, "True", "ReplicaSetUpdated", name + " is progressing.", stamp,
                    true);
  }
  const Json& row = *find(conditions, "Progressing");
  if (string_or(row, "reason") == "ProgressDeadlineExceeded") return;
  const auto since = parse_rfc3339(string_or(row, "lastUpdateTime"));
  if (!since.ok()) return;
  const auto deadline = bounded_seconds(int_or(spec, "progressDeadlineSeconds", 600));
  const auto left = std::chrono::ceil<Millis>(*since + deadline - now);
  if (left > Millis(0)) {
    *look_again = left;
    return;
  }
  set_progressing(conditions, "False", "ProgressDeadlineExceeded",
                  name + " has timed out progressing.", stamp, false);
}

/// What keeps the ReplicaSets from making pods: of the present template's first.
void copy_failure(const Json* current, const std::vector<SharedJson>& sets, Json& conditions,
                  const std::string& now) {
  const auto failure_of = [](const Json& set) {
    for (const Json& row : list_or_empty(at_path(set, "status.conditions"))) {
      if (string_or(row, "type") == "ReplicaFailure") return &row;
    }
    return static_cast<const Json*>(nullptr);
  };
  const Json* failure = current != nullptr ? failure_of(*current) : nullptr;
  for (const SharedJson& set : sets) {
    if (failure == nullptr) failure = failure_of(*set);
  }
  if (failure == nullptr) {
    std::erase_if(conditions.get_ref<Json::array_t&>(),
                  [](const Json& row) { return string_or(row, "type") == "ReplicaFailure"; });
    return;
  }
  if (set_condition(conditions, "ReplicaFailure", "True", string_or(*failure, "reason"),
                    string_or(*failure, "message"), now)) {
    (*find(conditions, "ReplicaFailure"))["lastUpdateTime"] = now;
  }
}

}  // namespace

Json deployment_status(const Json& deployment, const Json* current,
                       const std::vector<SharedJson>& sets, WallTime now,
                       std::optional<Millis>* look_again) {
  const RolloutLimits limits = rollout_limits(deployment);
  const int64_t replicas = sum(sets, "replicas");
  const int64_t available = sum(sets, "availableReplicas");
  const int64_t ready = sum(sets, "readyReplicas");
  const int64_t updated = current != nullptr ? int_or(member(*current, "status"), "replicas") : 0;
  Json status = {{"observedGeneration", int_or(member(deployment, "metadata"), "generation")}};
  const auto set_unless_zero = [&](const char* field, int64_t value) {
    if (value > 0) status[field] = value;
  };
  int64_t wished = 0;
  for (const SharedJson& set : sets) wished += int_or(member(*set, "spec"), "replicas");
  set_unless_zero("replicas", replicas);
  set_unless_zero("updatedReplicas", updated);
  set_unless_zero("readyReplicas", ready);
  set_unless_zero("availableReplicas", available);
  set_unless_zero("unavailableReplicas", wished - available);
  set_unless_zero("collisionCount", int_or(member(deployment, "status"), "collisionCount"));
  const Json& had = at_path(deployment, "status.conditions");
  Json conditions = had.is_array() ? had : Json::array();
  judge_available(conditions, available >= limits.replicas - limits.max_unavailable,
                  to_rfc3339(now));
  judge_progress(deployment, current, status, conditions, now, look_again);
  copy_failure(current, sets, conditions, to_rfc3339(now));
  status["conditions"] = std::move(conditions);
  return status;
}

bool deployment_complete(const Json& deployment, const Json& status) {
  const int64_t wished = int_or(member(deployment, "spec"), "replicas", 1);
  return int_or(status, "updatedReplicas") == wished && int_or(status, "replicas") == wished &&
         int_or(status, "availableReplicas") == wished &&
         int_or(status, "observedGeneration") >=
             int_or(member(deployment, "metadata"), "generation");
}

}  // namespace hoplab::reconcile
