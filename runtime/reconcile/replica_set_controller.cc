#include "runtime/reconcile/replica_set_controller.h"

#include "runtime/base/text.h"
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
  Json& owners = object["metadata"]["ownerReferences"];
  if (!owners.is_array()) owners = Json::array();
  const std::string uid = api::uid_of(set);
  std::erase_if(owners.get_ref<Json::array_t&>(),
                [&](const Json& row) { return string_or(row, "uid") == uid; });
  if (own) owners.push_back(controller_reference(set));
  HOP_CHECK(registry_.update(pod_kind(), space, pod, std::move(object)));
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
  HOP_CHECK(create_pods(*set, plan.create));
  for (const std::string& pod : plan.remove) {
    auto gone = registry_.remove(pod_kind(), id.namespace_name, pod);
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
    tell_(name(), *set, "Normal", "SuccessfulDelete", "Deleted pod: " + pod);
  }
  return plan.look_again;
}

}  // namespace hoplab::reconcile
