#include "runtime/reconcile/replica_set_controller.h"

#include "runtime/base/text.h"
#include "runtime/reconcile/claim.h"
#include "runtime/reconcile/object_key.h"
#include "runtime/reconcile/object_state.h"
#include "runtime/reconcile/replica_set_plan.h"

namespace hoplab::reconcile {
namespace {

const api::Kind& set_kind() {
  return api::kind_of("ReplicaSet");
}
const api::Kind& pod_kind() {
  return api::kind_of("Pod");
}

}  // namespace

void ReplicaSetController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "ReplicaSet") keys.push_back(api::key_of(change.any()));
  if (change.kind != "Pod") return;
  if (change.before != nullptr) wake_for_pod(*change.before, keys);
  if (change.now != nullptr) wake_for_pod(*change.now, keys);
}

void ReplicaSetController::wake_for_pod(const Json& pod, std::vector<std::string>& keys) const {
  const std::string space = api::namespace_of(pod);
  if (const auto owner = controller_of(pod)) {
    if (owner->kind == "ReplicaSet") keys.push_back(space + "/" + owner->name);
    return;
  }
  // A pod without a controller may be adopted by whoever selects it.
  for (const SharedJson& set : registry_.all(set_kind(), space)) {
    if (selects(at_path(*set, "spec.selector"), labels_of(pod))) {
      keys.push_back(api::key_of(*set));
    }
  }
}

Result<void> ReplicaSetController::set_owner(const Json& set, const std::string& pod, bool own) {
  const std::string space = api::namespace_of(set);
  HOP_TRY(Json object, registry_.get(pod_kind(), space, pod));
  HOP_CHECK(registry_.update(pod_kind(), space, pod, with_controller(std::move(object), set, own)));
  return {};
}

Result<void> ReplicaSetController::create_pods(const Json& set, int64_t count) {
  const Json pod = pod_from_template(at_path(set, "spec.template"), set);
  for (int64_t i = 0; i < count; ++i) {
    auto made = registry_.create(pod_kind(), api::namespace_of(set), pod);
    if (!made) {
      tell_(name(), set, "Warning", "FailedCreate", "Error creating: " + made.error().message());
      return std::move(made).error();
    }
    tell_(name(), set, "Normal", "SuccessfulCreate", "Created pod: " + api::name_of(*made));
  }
  return {};
}

/// The condition ReplicaFailure says why pods are missing, for as long as it is so.
Result<void> ReplicaSetController::note_failure(const Json& set, const Result<void>& created) {
  const SharedJson found = registry_.find(set_kind(), api::namespace_of(set), api::name_of(set));
  if (found == nullptr || api::uid_of(*found) != api::uid_of(set)) return {};
  Json object = *found;
  Json& conditions = object["status"]["conditions"];
  if (created.ok()) {
    if (condition_status(*found, "ReplicaFailure").empty()) return {};
    std::erase_if(conditions.get_ref<Json::array_t&>(),
                  [](const Json& row) { return string_or(row, "type") == "ReplicaFailure"; });
  } else if (!set_condition(conditions, "ReplicaFailure", "True", "FailedCreate",
                            created.error().message(), to_rfc3339(clock_.wall()))) {
    return {};
  }
  if (conditions.empty()) object["status"].erase("conditions");
  HOP_CHECK(registry_.update(set_kind(), api::namespace_of(set), api::name_of(set),
                             std::move(object), Subresource::status));
  return {};
}

Result<std::optional<Millis>> ReplicaSetController::reconcile(const std::string& key) {
  const ObjectKey id = ObjectKey::parse(key);
  const SharedJson set = registry_.find(set_kind(), id.namespace_name, id.name);
  if (set == nullptr) return settled();
  const ReplicaSetPlan plan =
      plan_replica_set(*set, registry_.all(pod_kind(), id.namespace_name), clock_.wall());
  // The status first: who waits for the ReplicaSet then sees what is, not what will be.
  if (member(*set, "status") != plan.status) {
    Json object = *set;
    object["status"] = plan.status;
    HOP_CHECK(registry_.update(set_kind(), id.namespace_name, id.name, std::move(object),
                               Subresource::status));
  }
  for (const std::string& pod : plan.adopt) HOP_CHECK(set_owner(*set, pod, true));
  for (const std::string& pod : plan.release) HOP_CHECK(set_owner(*set, pod, false));
  Result<void> created = create_pods(*set, plan.create);
  HOP_CHECK(note_failure(*set, created));
  HOP_CHECK(std::move(created));
  for (const std::string& pod : plan.remove) {
    auto gone = registry_.remove(pod_kind(), id.namespace_name, pod);
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
    tell_(name(), *set, "Normal", "SuccessfulDelete", "Deleted pod: " + pod);
  }
  return plan.look_again;
}

}  // namespace hoplab::reconcile
