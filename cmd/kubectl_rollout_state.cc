#include "cmd/kubectl_rollout.h"
#include "runtime/base/text.h"
#include "store/api/kind.h"

namespace hoplab::cmd::kubectl {

namespace {

Result<RolloutState> deployment_state(const Json& object) {
  const std::string name = api::name_of(object);
  const Json& status = member(object, "status");
  const Json& conditions = member(status, "conditions");
  for (size_t i = 0; conditions.is_array() && i < conditions.size(); ++i) {
    if (string_or(conditions[i], "type") == "Progressing" &&
        string_or(conditions[i], "reason") == "ProgressDeadlineExceeded") {
      return Error(ErrorCode::unsupported,
                   str("deployment \"", name, "\" exceeded its progress deadline"));
    }
  }
  const int64_t wanted = int_or(member(object, "spec"), "replicas", 1);
  const int64_t replicas = int_or(status, "replicas");
  const int64_t updated = int_or(status, "updatedReplicas");
  const int64_t available = int_or(status, "availableReplicas");
  const std::string waiting = str("Waiting for deployment \"", name, "\" rollout to finish: ");
  if (updated < wanted) {
    return RolloutState{
        false, str(waiting, updated, " out of ", wanted, " new replicas have been updated...")};
  }
  if (replicas > updated) {
    return RolloutState{
        false, str(waiting, replicas - updated, " old replicas are pending termination...")};
  }
  if (available < updated) {
    return RolloutState{
        false, str(waiting, available, " of ", updated, " updated replicas are available...")};
  }
  return RolloutState{true, str("deployment \"", name, "\" successfully rolled out")};
}

RolloutState daemon_set_state(const Json& object) {
  const std::string name = api::name_of(object);
  const Json& status = member(object, "status");
  const int64_t wanted = int_or(status, "desiredNumberScheduled");
  const int64_t updated = int_or(status, "updatedNumberScheduled");
  const int64_t available = int_or(status, "numberAvailable");
  const std::string waiting = str("Waiting for daemon set \"", name, "\" rollout to finish: ");
  if (updated < wanted) {
    return {false, str(waiting, updated, " out of ", wanted, " new pods have been updated...")};
  }
  if (available < wanted) {
    return {false, str(waiting, available, " of ", wanted, " updated pods are available...")};
  }
  return {true, str("daemon set \"", name, "\" successfully rolled out")};
}

}  // namespace

Result<RolloutState> rollout_state(const Json& object) {
  const bool deployment = string_or(object, "kind") == "Deployment";
  if (int_or(member(object, "metadata"), "generation") >
      int_or(member(object, "status"), "observedGeneration")) {
    return RolloutState{false, str("Waiting for ", deployment ? "deployment" : "daemon set",
                                   " spec update to be observed...")};
  }
  if (deployment) return deployment_state(object);
  return daemon_set_state(object);
}

}  // namespace hoplab::cmd::kubectl
