#include "store/deletion.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/errors.h"

namespace hoplab {
namespace {

bool is_marked(const Json& object) {
  return !string_or(member(object, "metadata"), "deletionTimestamp").empty();
}

bool has_finalizers(const Json& object) {
  const Json& finalizers = member(member(object, "metadata"), "finalizers");
  return finalizers.is_array() && !finalizers.empty();
}

void add_finalizer(Json& object, const char* name) {
  Json& finalizers = object["metadata"]["finalizers"];
  if (!finalizers.is_array()) finalizers = Json::array();
  if (std::find(finalizers.begin(), finalizers.end(), name) == finalizers.end()) {
    finalizers.push_back(name);
  }
}

/// Seconds a pod gets: none when no kubelet has it or its containers are done.
int64_t pod_grace(const Json& pod, const DeleteOptions& options) {
  const Json& spec = member(pod, "spec");
  const std::string phase = string_or(member(pod, "status"), "phase");
  if (string_or(spec, "nodeName").empty() || phase == "Succeeded" || phase == "Failed") return 0;
  const int64_t own = int_or(spec, "terminationGracePeriodSeconds", 30);
  return std::max<int64_t>(0, options.grace_seconds.value_or(own));
}

Result<DeletionPlan> plan_namespace(const api::Kind& kind, const Json& object, WallTime now) {
  const std::string name = api::name_of(object);
  if (name == "default" || name == "kube-system" || name == "kube-public") {
    return object_forbidden(kind, name, "this namespace may not be deleted");
  }
  if (is_marked(object)) {
    return object_conflict(kind, name,
                           "The system is ensuring all content is removed from this namespace.  "
                           "Upon completion, this namespace will automatically be purged by the "
                           "system.");
  }
  Json marked = object;
  marked["metadata"]["deletionTimestamp"] = to_rfc3339(now);
  marked["status"]["phase"] = "Terminating";
  return DeletionPlan(MarkDeleted{std::move(marked)});
}

DeletionPlan plan_pod(const Json& object, const DeleteOptions& options, WallTime now) {
  const int64_t grace = pod_grace(object, options);
  const Json& metadata = member(object, "metadata");
  const bool marked = is_marked(object);
  const int64_t had = int_or(metadata, "deletionGracePeriodSeconds");
  if (grace == 0 && !has_finalizers(object)) return RemoveNow{};
  if (marked && grace >= had) return KeepAsIs{};
  Json changed = object;
  // The timestamp says when the grace is over (as Kubernetes' does); a shorter one moves it.
  changed["metadata"]["deletionTimestamp"] = to_rfc3339(now + bounded_seconds(grace));
  changed["metadata"]["deletionGracePeriodSeconds"] = grace;
  return MarkDeleted{std::move(changed)};
}

}  // namespace

Result<DeletionPlan> plan_deletion(const api::Kind& kind, const Json& object,
                                   const DeleteOptions& options, WallTime now) {
  if (kind.kind == "Namespace") return plan_namespace(kind, object, now);
  Json wanted = object;
  if (options.propagation == Propagation::orphan) add_finalizer(wanted, "orphan");
  if (options.propagation == Propagation::foreground) add_finalizer(wanted, "foregroundDeletion");
  if (kind.kind == "Pod") return plan_pod(wanted, options, now);
  if (!has_finalizers(wanted)) return DeletionPlan(RemoveNow{});
  if (is_marked(object)) {
    if (wanted == object) return DeletionPlan(KeepAsIs{});
    return DeletionPlan(MarkDeleted{std::move(wanted)});
  }
  wanted["metadata"]["deletionTimestamp"] = to_rfc3339(now);
  wanted["metadata"]["deletionGracePeriodSeconds"] = 0;
  return DeletionPlan(MarkDeleted{std::move(wanted)});
}

bool ready_to_go(const api::Kind& kind, const Json& object) {
  if (!is_marked(object) || has_finalizers(object)) return false;
  if (kind.kind == "Pod") {
    return int_or(member(object, "metadata"), "deletionGracePeriodSeconds") == 0;
  }
  if (kind.kind == "Namespace") return member(member(object, "spec"), "finalizers").empty();
  return true;
}

}  // namespace hoplab
