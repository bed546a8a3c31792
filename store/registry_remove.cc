#include <variant>

#include "runtime/base/text.h"
#include "store/deletion.h"
#include "store/errors.h"
#include "store/registry.h"

namespace hoplab {

Result<Deletion> Registry::remove(const api::Kind& kind, const std::string& namespace_name,
                                  const std::string& name, const DeleteOptions& options) {
  const std::string key = store_key(kind, namespace_name, name);
  std::unique_lock<std::shared_mutex> spaces(namespaces_mutex_, std::defer_lock);
  if (kind.kind == "Namespace") spaces.lock();
  while (true) {
    const SharedJson current = store_.get(key);
    if (current == nullptr) return object_not_found(kind, name);
    const std::string uid = api::uid_of(*current);
    if (!options.precondition_uid.empty() && options.precondition_uid != uid) {
      return object_conflict(kind, name,
                             str("Precondition failed: UID in precondition: ",
                                 options.precondition_uid, ", UID in object meta: ", uid));
    }
    HOP_TRY(DeletionPlan plan, plan_deletion(kind, *current, options, clock_.wall()));
    const bool gone = std::holds_alternative<RemoveNow>(plan);
    auto* marked = std::get_if<MarkDeleted>(&plan);
    if (options.dry_run || (!gone && marked == nullptr)) {
      return Deletion{.gone = gone, .object = marked != nullptr ? marked->object : *current};
    }
    const auto held = lock_for(kind);
    Json next;
    if (gone) {
      next = *current;
    } else {
      next = std::move(marked->object);
    }
    auto written = commit(kind, current.get(), std::move(next), gone);
    if (written.ok()) return Deletion{.gone = gone, .object = **written};
    if (written.error().code() != ErrorCode::conflict) return std::move(written).error();
  }
}

bool Registry::namespace_is_empty(const std::string& name) const {
  for (const api::Kind& kind : api::kinds()) {
    if (kind.namespaced && !store_.list(store_prefix(kind, name)).objects.empty()) return false;
  }
  return true;
}

Result<void> Registry::finalize_namespace(const std::string& name) {
  const api::Kind& kind = api::kind_of("Namespace");
  while (true) {
    const SharedJson current = store_.get(store_key(kind, "", name));
    if (current == nullptr) return {};
    if (string_or(member(*current, "metadata"), "deletionTimestamp").empty()) {
      return object_conflict(kind, name, "the namespace is not being deleted");
    }
    if (!namespace_is_empty(name)) {
      return object_conflict(kind, name, "objects are left in the namespace");
    }
    Json changed = *current;
    changed["spec"]["finalizers"] = Json::array();
    const bool remove = ready_to_go(kind, changed);
    auto written = commit(kind, current.get(), std::move(changed), remove);
    if (written.ok()) return {};
    if (written.error().code() != ErrorCode::conflict) return std::move(written).error();
  }
}

Result<void> Registry::bind(const std::string& namespace_name, const std::string& pod,
                            const std::string& node) {
  const api::Kind& kind = api::kind_of("Pod");
  while (true) {
    const SharedJson current = store_.get(store_key(kind, namespace_name, pod));
    if (current == nullptr) return object_not_found(kind, pod);
    const std::string placed = string_or(member(*current, "spec"), "nodeName");
    if (!placed.empty()) {
      return object_conflict(kind, pod,
                             str("pod ", pod, " is already assigned to node \"", placed, "\""));
    }
    if (!string_or(member(*current, "metadata"), "deletionTimestamp").empty()) {
      return object_conflict(kind, pod,
                             str("pod ", pod, " is being deleted, cannot be assigned to a host"));
    }
    Json bound = *current;
    bound["spec"]["nodeName"] = node;
    Json& conditions = bound["status"]["conditions"];
    if (!conditions.is_array()) conditions = Json::array();
    std::erase_if(conditions.get_ref<Json::array_t&>(),
                  [](const Json& c) { return string_or(c, "type") == "PodScheduled"; });
    conditions.push_back({{"type", "PodScheduled"},
                          {"status", "True"},
                          {"lastTransitionTime", to_rfc3339(clock_.wall())}});
    auto written = commit(kind, current.get(), std::move(bound), false);
    if (written.ok()) return {};
    if (written.error().code() != ErrorCode::conflict) return std::move(written).error();
  }
}

}  // namespace hoplab
