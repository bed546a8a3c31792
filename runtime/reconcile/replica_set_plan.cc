#include "runtime/reconcile/replica_set_plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

/// Smaller goes first, as Kubernetes ranks (ActivePodsWithRanks): without a node, not running, not
/// ready, on a node with more of the same, ready for a shorter time, younger.
auto usefulness(const Json& pod, const std::map<std::string, int>& per_node) {
  const std::string phase = string_or(member(pod, "status"), "phase");
  const std::string node = node_name_of(pod);
  const int running = phase == "Pending" ? 0 : phase == "Running" ? 2 : 1;
  const int crowd = node.empty() ? 0 : -per_node.at(node);
  // RFC 3339 texts compare as times; the younger pod has the larger one.
  std::string created = string_or(member(pod, "metadata"), "creationTimestamp");
  for (char& c : created) c = static_cast<char>(~c);
  return std::tuple(!node.empty(), running, pod_is_ready(pod), crowd, std::move(created),
                    api::name_of(pod));
}

std::vector<std::string> surplus(std::vector<const Json*> pods, size_t count) {
  std::map<std::string, int> per_node;
  for (const Json* pod : pods) ++per_node[node_name_of(*pod)];
  std::sort(pods.begin(), pods.end(), [&](const Json* a, const Json* b) {
    return usefulness(*a, per_node) < usefulness(*b, per_node);
  });
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(api::name_of(*pods[i]));
  return names;
}

Json status_of(const Json& set, const std::vector<const Json*>& active, WallTime now,
               std::optional<Millis>* look_again) {
  const int64_t min_ready = int_or(member(set, "spec"), "minReadySeconds");
  const Json& template_labels = at_path(set, "spec.template.metadata.labels");
  int64_t ready = 0, available = 0, labeled = 0;
  for (const Json* pod : active) {
    ready += pod_is_ready(*pod) ? 1 : 0;
    available += pod_is_available(*pod, min_ready, now, look_again) ? 1 : 0;
    const Json& labels = labels_of(*pod);
    bool all = true;
    if (template_labels.is_object()) {
      for (const auto& [key, value] : template_labels.items()) {
        all = all && member(labels, key) == value;
      }
    }
    labeled += all ? 1 : 0;
  }
  Json status = {{"replicas", active.size()},
                 {"observedGeneration", int_or(member(set, "metadata"), "generation")}};
  if (labeled != 0) status["fullyLabeledReplicas"] = labeled;
  if (ready != 0) status["readyReplicas"] = ready;
  if (available != 0) status["availableReplicas"] = available;
  if (set.contains("status") && set["status"].contains("conditions")) {
    status["conditions"] = set["status"]["conditions"];
  }
  return status;
}

}  // namespace

ReplicaSetPlan plan_replica_set(const Json& set, const std::vector<SharedJson>& pods,
                                WallTime now) {
  ReplicaSetPlan plan;
  const std::string uid = api::uid_of(set);
  const Json& selector = at_path(set, "spec.selector");
  const bool deleting = is_deleting(set);
  std::vector<const Json*> active;
  for (const SharedJson& shared : pods) {
    const Json& pod = *shared;
    const auto owner = controller_of(pod);
    const bool matches = selects(selector, labels_of(pod));
    if (owner && owner->uid != uid) continue;
    if (owner && !matches) {
      if (!deleting) plan.release.push_back(api::name_of(pod));
      continue;
    }
    if (!matches || !pod_is_active(pod)) continue;
    if (!owner) {
      if (deleting) continue;
      plan.adopt.push_back(api::name_of(pod));
    }
    active.push_back(&pod);
  }
  plan.status = status_of(set, active, now, &plan.look_again);
  if (deleting) return plan;
  const int64_t wanted = int_or(member(set, "spec"), "replicas", 1);
  const auto have = static_cast<int64_t>(active.size());
  if (have < wanted) plan.create = wanted - have;
  if (have > wanted) plan.remove = surplus(active, static_cast<size_t>(have - wanted));
  return plan;
}

Json pod_from_template(const Json& pod_template, const Json& owner) {
  const Json& metadata = member(pod_template, "metadata");
  Json pod = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata",
               {{"generateName", api::name_of(owner) + "-"},
                {"namespace", api::namespace_of(owner)},
                {"ownerReferences", Json::array({controller_reference(owner)})}}},
              {"spec", member(pod_template, "spec")}};
  for (const char* field : {"labels", "annotations", "finalizers"}) {
    if (metadata.contains(field)) pod["metadata"][field] = metadata[field];
  }
  return pod;
}

}  // namespace hoplab::reconcile
