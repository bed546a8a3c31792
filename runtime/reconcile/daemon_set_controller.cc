#include "runtime/reconcile/daemon_set_controller.h"

#include "runtime/reconcile/daemon_set_plan.h"
#include "runtime/reconcile/object_key.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

const api::Kind& set_kind() {
  return api::kind_of("DaemonSet");
}
const api::Kind& pod_kind() {
  return api::kind_of("Pod");
}

}  // namespace

void DaemonSetController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "DaemonSet") keys.push_back(api::key_of(change.any()));
  if (change.kind == "Pod") {
    const auto owner = controller_of(change.any());
    if (owner && owner->kind == "DaemonSet") {
      keys.push_back(api::namespace_of(change.any()) + "/" + owner->name);
    }
  }
  if (change.kind != "Node") return;
  const bool matters = change.before == nullptr || change.now == nullptr ||
                       member(*change.before, "spec") != member(*change.now, "spec") ||
                       labels_of(*change.before) != labels_of(*change.now);
  if (!matters) return;
  for (const SharedJson& set : registry_.all(set_kind())) keys.push_back(api::key_of(*set));
}

Result<std::optional<Millis>> DaemonSetController::reconcile(const std::string& key) {
  const ObjectKey id = ObjectKey::parse(key);
  const SharedJson set = registry_.find(set_kind(), id.namespace_name, id.name);
  if (set == nullptr) return settled();
  const DaemonSetPlan plan =
      plan_daemon_set(*set, registry_.all(api::kind_of("Node")),
                      registry_.all(pod_kind(), id.namespace_name), clock_.wall());
  if (member(*set, "status") != plan.status) {
    Json object = *set;
    object["status"] = plan.status;
    HOP_CHECK(registry_.update(set_kind(), id.namespace_name, id.name, std::move(object),
                               Subresource::status));
  }
  for (const std::string& pod : plan.remove) {
    auto gone = registry_.remove(pod_kind(), id.namespace_name, pod);
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
    tell_(name(), *set, "Normal", "SuccessfulDelete", "Deleted pod: " + pod);
  }
  for (const std::string& node : plan.create) {
    auto made = registry_.create(pod_kind(), id.namespace_name, daemon_pod(*set, node));
    if (!made) {
      tell_(name(), *set, "Warning", "FailedCreate", "Error creating: " + made.error().message());
      return std::move(made).error();
    }
    tell_(name(), *set, "Normal", "SuccessfulCreate", "Created pod: " + api::name_of(*made));
  }
  return plan.look_again;
}

}  // namespace hoplab::reconcile
