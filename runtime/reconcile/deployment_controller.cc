#include "runtime/reconcile/deployment_controller.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/reconcile/claim.h"
#include "runtime/reconcile/deployment_plan.h"
#include "runtime/reconcile/object_key.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

const api::Kind& deployment_kind() {
  return api::kind_of("Deployment");
}
const api::Kind& set_kind() {
  return api::kind_of("ReplicaSet");
}

void wake_owner(const Json& object, std::string_view kind, std::vector<std::string>& keys) {
  const auto owner = controller_of(object);
  if (owner && owner->kind == kind) keys.push_back(api::namespace_of(object) + "/" + owner->name);
}

}  // namespace

void DeploymentController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "Deployment") keys.push_back(api::key_of(change.any()));
  if (change.kind == "ReplicaSet") {
    wake_owner(change.any(), "Deployment", keys);
    if (change.now != nullptr && !controller_of(*change.now)) wake_selecting(*change.now, keys);
  }
  // Recreate waits for the last old pod; its ReplicaSet has long been at zero.
  if (change.kind == "Pod" && change.now == nullptr) {
    const auto owner = controller_of(*change.before);
    if (!owner || owner->kind != "ReplicaSet") return;
    const std::string space = api::namespace_of(*change.before);
    const SharedJson set = registry_.find(set_kind(), space, owner->name);
    if (set != nullptr) wake_owner(*set, "Deployment", keys);
  }
}

void DeploymentController::wake_selecting(const Json& set, std::vector<std::string>& keys) const {
  for (const SharedJson& deployment : registry_.all(deployment_kind(), api::namespace_of(set))) {
    if (selects(at_path(*deployment, "spec.selector"), labels_of(set))) {
      keys.push_back(api::key_of(*deployment));
    }
  }
}

Result<void> DeploymentController::claim_sets(const Json& deployment) {
  if (is_deleting(deployment)) return {};
  const std::string uid = api::uid_of(deployment);
  const Json& selector = at_path(deployment, "spec.selector");
  for (const SharedJson& set : registry_.all(set_kind(), api::namespace_of(deployment))) {
    const auto owner = controller_of(*set);
    const bool ours = owner && owner->uid == uid;
    const bool wanted = selects(selector, labels_of(*set)) && !is_deleting(*set);
    if (ours == wanted || (owner && !ours)) continue;
    if (ours && is_deleting(*set)) continue;
    HOP_CHECK(registry_.update(set_kind(), api::namespace_of(deployment), api::name_of(*set),
                               with_controller(*set, deployment, wanted)));
  }
  return {};
}

std::vector<SharedJson> DeploymentController::sets_of(const Json& deployment) const {
  const std::string uid = api::uid_of(deployment);
  std::vector<SharedJson> sets = registry_.all(set_kind(), api::namespace_of(deployment));
  std::erase_if(sets, [&](const SharedJson& set) {
    const auto owner = controller_of(*set);
    return !owner || owner->uid != uid;
  });
  return sets;
}

bool DeploymentController::has_pods(const Json& deployment,
                                    const std::vector<SharedJson>& sets) const {
  if (string_or(at_path(deployment, "spec.strategy"), "type") != "Recreate") return false;
  const std::string hash_key = "pod-template-hash";
  Json current = at_path(deployment, "spec.template");
  const auto is_old = [&](const SharedJson& set) {
    Json other = at_path(*set, "spec.template");
    if (member(member(other, "metadata"), "labels").is_object()) {
      other["metadata"]["labels"].erase(hash_key);
    }
    return other != current;
  };
  const auto pods = registry_.all(api::kind_of("Pod"), api::namespace_of(deployment));
  return std::any_of(pods.begin(), pods.end(), [&](const SharedJson& pod) {
    const auto owner = controller_of(*pod);
    return owner && !pod_is_finished(*pod) &&
           std::any_of(sets.begin(), sets.end(), [&](const SharedJson& set) {
             return api::uid_of(*set) == owner->uid && is_old(set);
           });
  });
}

Result<void> DeploymentController::scale(const Json& deployment, const std::string& set,
                                         int64_t from, int64_t to) {
  HOP_CHECK(registry_.patch(set_kind(), api::namespace_of(deployment), set, PatchType::merge,
                            {{"spec", {{"replicas", to}}}}));
  tell_(name(), deployment, "Normal", "ScalingReplicaSet",
        str("Scaled ", to > from ? "up" : "down", " replica set ", set, " to ", to));
  return {};
}

Result<void> DeploymentController::annotate(const Json& deployment, const std::string& set,
                                            const Json& wanted, const std::string& revision) {
  const std::string space = api::namespace_of(deployment);
  if (!set.empty()) {
    // A wish that is not there (null) takes the ReplicaSet's away.
    const Json& ready = at_path(deployment, "spec.minReadySeconds");
    HOP_CHECK(registry_.patch(
        set_kind(), space, set, PatchType::merge,
        {{"metadata", {{"annotations", wanted}}}, {"spec", {{"minReadySeconds", ready}}}}));
  }
  if (revision.empty()) return {};
  HOP_CHECK(registry_.patch(
      deployment_kind(), space, api::name_of(deployment), PatchType::merge,
      {{"metadata", {{"annotations", {{"deployment.kubernetes.io/revision", revision}}}}}}));
  return {};
}

Error DeploymentController::avoid_name(const Json& deployment, Error error) {
  if (error.code() != ErrorCode::already_exists) return error;
  // A stranger has the name that the template's hash gives: the next try hashes another number in.
  const int64_t seen = int_or(member(deployment, "status"), "collisionCount");
  auto counted = registry_.patch(deployment_kind(), api::namespace_of(deployment),
                                 api::name_of(deployment), PatchType::merge,
                                 {{"status", {{"collisionCount", seen + 1}}}}, Subresource::status);
  return counted.ok() ? error : std::move(counted).error();
}

Result<std::optional<Millis>> DeploymentController::reconcile(const std::string& key) {
  const ObjectKey id = ObjectKey::parse(key);
  const SharedJson deployment = registry_.find(deployment_kind(), id.namespace_name, id.name);
  if (deployment == nullptr) return settled();
  HOP_CHECK(claim_sets(*deployment));
  const std::vector<SharedJson> sets = sets_of(*deployment);
  DeploymentPlan plan =
      plan_deployment(*deployment, sets, has_pods(*deployment, sets), clock_.wall());
  if (member(*deployment, "status") != plan.status) {
    Json object = *deployment;
    object["status"] = plan.status;
    HOP_CHECK(registry_.update(deployment_kind(), id.namespace_name, id.name, std::move(object),
                               Subresource::status));
  }
  if (plan.create) {
    const int64_t replicas = int_or((*plan.create)["spec"], "replicas");
    auto set = registry_.create(set_kind(), id.namespace_name, std::move(*plan.create));
    if (!set) return avoid_name(*deployment, std::move(set).error());
    tell_(name(), *deployment, "Normal", "ScalingReplicaSet",
          str("Scaled up replica set ", api::name_of(*set), " to ", replicas));
  }
  HOP_CHECK(annotate(*deployment, plan.current, plan.current_annotations, plan.revision));
  for (const ScaleStep& step : plan.scale) {
    HOP_CHECK(scale(*deployment, step.replica_set, step.from, step.to));
  }
  for (const std::string& set : plan.remove) {
    HOP_CHECK(registry_.remove(set_kind(), id.namespace_name, set));
  }
  return plan.look_again;
}

}  // namespace hoplab::reconcile
