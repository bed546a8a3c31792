#include "runtime/reconcile/daemon_set_plan.h"

#include <algorithm>
#include <map>

#include "runtime/reconcile/node_fit.h"
#include "runtime/reconcile/object_state.h"
#include "runtime/reconcile/replica_set_plan.h"
#include "store/admission.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* hash_label = "controller-revision-hash";

/// The spec a daemon pod really has.
Json tolerant_spec(const Json& set) {
  Json spec = at_path(set, "spec.template.spec");
  Json& tolerations = spec["tolerations"];
  if (!tolerations.is_array()) tolerations = Json::array();
  const auto add = [&](const char* key, const char* effect) {
    const Json wanted = {{"key", key}, {"operator", "Exists"}, {"effect", effect}};
    if (std::find(tolerations.begin(), tolerations.end(), wanted) == tolerations.end()) {
      tolerations.push_back(wanted);
    }
  };
  add("node.kubernetes.io/not-ready", "NoExecute");
  add("node.kubernetes.io/unreachable", "NoExecute");
  for (const char* key : {"node.kubernetes.io/disk-pressure", "node.kubernetes.io/memory-pressure",
                          "node.kubernetes.io/pid-pressure", "node.kubernetes.io/unschedulable"}) {
    add(key, "NoSchedule");
  }
  if (bool_or(spec, "hostNetwork")) add("node.kubernetes.io/network-unavailable", "NoSchedule");
  return spec;
}

/// What a node has and needs.
struct NodeView {
  bool wanted = false;
  bool ready = true;
  std::vector<const Json*> pods;  ///< Active ones, oldest first.
};

struct Counts {
  int64_t current = 0, desired = 0, misscheduled = 0, ready = 0, updated = 0, available = 0;
};

Json status_of(const Json& set, const Counts& c) {
  Json status = {{"currentNumberScheduled", c.current},
                 {"desiredNumberScheduled", c.desired},
                 {"numberMisscheduled", c.misscheduled},
                 {"numberReady", c.ready},
                 {"observedGeneration", int_or(member(set, "metadata"), "generation")}};
  if (c.updated != 0) status["updatedNumberScheduled"] = c.updated;
  if (c.available != 0) status["numberAvailable"] = c.available;
  if (c.desired != c.available) status["numberUnavailable"] = c.desired - c.available;
  return status;
}

std::string hash_of(const Json& pod) {
  return string_or(labels_of(pod), hash_label);
}

/// Outdated pods that may go now: those that do not work anyway, then healthy ones within
/// maxUnavailable.
void roll_out(const Json& set, const std::map<std::string, NodeView>& nodes,
              const std::string& hash, WallTime now, DaemonSetPlan& plan) {
  const Json& strategy = at_path(set, "spec.updateStrategy");
  if (string_or(strategy, "type") == "OnDelete") return;
  const int64_t min_ready = int_or(member(set, "spec"), "minReadySeconds");
  int64_t desired = 0, unavailable = 0;
  std::vector<const Json*> broken, healthy;
  for (const auto& [name, node] : nodes) {
    if (!node.wanted) continue;
    ++desired;
    const Json* pod = node.pods.empty() ? nullptr : node.pods.front();
    const bool works = pod != nullptr && pod_is_available(*pod, min_ready, now, nullptr);
    if (!works) ++unavailable;
    if (pod == nullptr || hash_of(*pod) == hash) continue;
    (works ? healthy : broken).push_back(pod);
  }
  const int64_t limit = std::max<int64_t>(
      1, int_or_percent(at_path(strategy, "rollingUpdate.maxUnavailable"), desired, true, 1));
  for (const Json* pod : broken) plan.remove.push_back(api::name_of(*pod));
  for (const Json* pod : healthy) {
    if (unavailable >= limit) return;
    ++unavailable;
    plan.remove.push_back(api::name_of(*pod));
  }
}

}  // namespace

bool daemon_runs_on(const Json& set, const Json& node) {
  const Json spec = tolerant_spec(set);
  if (!matches_node_selection(spec, node)) return false;
  const std::string pinned = string_or(spec, "nodeName");
  if (!pinned.empty() && pinned != api::name_of(node)) return false;
  Json tolerations = member(spec, "tolerations");
  // "tolerates NotReady": also its NoSchedule taint, or the pod network could never come up.
  tolerations.push_back({{"key", "node.kubernetes.io/not-ready"}, {"operator", "Exists"}});
  tolerations.push_back({{"key", "node.kubernetes.io/unreachable"}, {"operator", "Exists"}});
  return untolerated_taint(tolerations, node, {"NoSchedule", "NoExecute"}) == nullptr;
}

Json daemon_pod(const Json& set, const std::string& node) {
  const Json& pod_template = at_path(set, "spec.template");
  Json pod = pod_from_template(pod_template, set);
  pod["metadata"]["labels"][hash_label] = template_hash(pod_template);
  pod["metadata"]["labels"]["pod-template-generation"] =
      string_or(at_path(set, "metadata.annotations"), template_generation, "1");
  pod["spec"] = tolerant_spec(set);
  pod["spec"]["nodeName"] = node;
  return pod;
}

DaemonSetPlan plan_daemon_set(const Json& set, const std::vector<SharedJson>& nodes,
                              const std::vector<SharedJson>& pods, WallTime now) {
  DaemonSetPlan plan;
  const std::string uid = api::uid_of(set);
  const std::string hash = template_hash(at_path(set, "spec.template"));
  const int64_t min_ready = int_or(member(set, "spec"), "minReadySeconds");
  std::map<std::string, NodeView> views;
  for (const SharedJson& node : nodes) {
    views[api::name_of(*node)].wanted = daemon_runs_on(set, *node) && !is_deleting(*node);
  }
  std::vector<std::string> blocked;  // Nodes whose old pod has to go first.
  for (const SharedJson& pod : pods) {
    const auto owner = controller_of(*pod);
    if (!owner || owner->uid != uid) continue;
    const std::string node = node_name_of(*pod);
    if (is_deleting(*pod)) {
      blocked.push_back(node);
    } else if (pod_is_finished(*pod)) {
      plan.remove.push_back(api::name_of(*pod));
      blocked.push_back(node);
    } else {
      views[node].pods.push_back(pod.get());
    }
  }
  Counts counts;
  for (auto& [node, view] : views) {
    std::sort(view.pods.begin(), view.pods.end(), [](const Json* a, const Json* b) {
      return std::pair(string_or((*a)["metadata"], "creationTimestamp"), api::name_of(*a)) <
             std::pair(string_or((*b)["metadata"], "creationTimestamp"), api::name_of(*b));
    });
    if (!view.wanted) {
      if (!view.pods.empty()) ++counts.misscheduled;
      for (const Json* pod : view.pods) plan.remove.push_back(api::name_of(*pod));
      continue;
    }
    ++counts.desired;
    if (view.pods.empty()) {
      if (std::find(blocked.begin(), blocked.end(), node) == blocked.end()) {
        plan.create.push_back(node);
      }
      continue;
    }
    const Json& pod = *view.pods.front();
    ++counts.current;
    counts.ready += pod_is_ready(pod) ? 1 : 0;
    counts.available += pod_is_available(pod, min_ready, now, &plan.look_again) ? 1 : 0;
    counts.updated += hash_of(pod) == hash ? 1 : 0;
    for (size_t i = 1; i < view.pods.size(); ++i) {
      plan.remove.push_back(api::name_of(*view.pods[i]));
    }
  }
  plan.status = status_of(set, counts);
  if (is_deleting(set)) {
    plan.create.clear();
    plan.remove.clear();
    return plan;
  }
  roll_out(set, views, hash, now, plan);
  return plan;
}

}  // namespace hoplab::reconcile
