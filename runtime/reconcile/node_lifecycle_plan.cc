#include "runtime/reconcile/node_lifecycle_plan.h"

#include <algorithm>
#include <array>

#include "runtime/reconcile/claim.h"
#include "runtime/reconcile/node_fit.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* not_ready = "node.kubernetes.io/not-ready";
constexpr const char* unreachable = "node.kubernetes.io/unreachable";
constexpr const char* unschedulable = "node.kubernetes.io/unschedulable";

void set_taint(Json& taints, const char* key, const char* effect, bool wanted,
               const std::string& now) {
  const auto is_it = [&](const Json& t) {
    return string_or(t, "key") == key && string_or(t, "effect") == effect;
  };
  auto& list = taints.get_ref<Json::array_t&>();
  const auto found = std::find_if(list.begin(), list.end(), is_it);
  if (!wanted) {
    if (found != list.end()) list.erase(found);
    return;
  }
  if (found != list.end()) return;
  Json taint = {{"key", key}, {"effect", effect}};
  if (std::string_view(effect) == "NoExecute" || key == unschedulable) taint["timeAdded"] = now;
  list.push_back(std::move(taint));
}

void mark_unknown(Json& node, const std::string& now) {
  constexpr std::array<const char*, 4> types = {"MemoryPressure", "DiskPressure", "PIDPressure",
                                                "Ready"};
  Json& conditions = node["status"]["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  for (const char* type : types) {
    if (condition_status(node, type) == "Unknown") continue;
    set_condition(conditions, type, "Unknown", "NodeStatusUnknown",
                  "Kubelet stopped posting node status.", now);
  }
}

/// How long the pod stays on a node with these taints: nullopt = for ever, 0 = not at all.
std::optional<std::chrono::seconds> tolerated_for(const Json& pod, const Json& node, WallTime now) {
  std::optional<std::chrono::seconds> least;
  const Json& tolerations = at_path(pod, "spec.tolerations");
  for (const Json& taint : list_or_empty(at_path(node, "spec.taints"))) {
    if (string_or(taint, "effect") != "NoExecute") continue;
    if (!tolerates(tolerations, taint)) return std::chrono::seconds(0);
    const auto added = parse_rfc3339(string_or(taint, "timeAdded"));
    for (const Json& toleration : list_or_empty(tolerations)) {
      if (!toleration.contains("tolerationSeconds") ||
          !tolerates(Json::array({toleration}), taint)) {
        continue;
      }
      const auto passed =
          std::chrono::floor<std::chrono::seconds>(now - (added.ok() ? *added : now));
      const auto left = std::max(bounded_seconds(int_or(toleration, "tolerationSeconds")) - passed,
                                 std::chrono::seconds(0));
      least = std::min(least.value_or(left), left);
    }
  }
  return least;
}

}  // namespace

NodeVerdict judge_node(const Json& node, bool silent, WallTime now) {
  NodeVerdict verdict{.node = node};
  const std::string stamp = to_rfc3339(now);
  if (silent) mark_unknown(verdict.node, stamp);
  const std::string ready = condition_status(verdict.node, "Ready");
  verdict.ready = ready == "True";
  if (!member(verdict.node, "spec").is_object()) verdict.node["spec"] = Json::object();
  Json& spec = verdict.node["spec"];
  if (!member(spec, "taints").is_array()) spec["taints"] = Json::array();
  Json& taints = spec["taints"];
  for (const char* effect : {"NoSchedule", "NoExecute"}) {
    set_taint(taints, not_ready, effect, ready == "False" || ready.empty(), stamp);
    set_taint(taints, unreachable, effect, ready == "Unknown", stamp);
  }
  set_taint(taints, unschedulable, "NoSchedule", bool_or(spec, "unschedulable"), stamp);
  if (taints.empty()) spec.erase("taints");
  verdict.spec_changed = member(node, "spec") != spec && !(spec.empty() && !node.contains("spec"));
  verdict.status_changed = member(node, "status") != member(verdict.node, "status");
  return verdict;
}

std::vector<Eviction> evictions(const Json& node, const std::vector<SharedJson>& pods,
                                WallTime now) {
  std::vector<Eviction> out;
  const std::string name = api::name_of(node);
  for (const SharedJson& pod : pods) {
    if (node_name_of(*pod) != name || is_deleting(*pod)) continue;
    const auto left = tolerated_for(*pod, node, now);
    if (!left) continue;
    Eviction eviction{.namespace_name = api::namespace_of(*pod), .pod = api::name_of(*pod)};
    if (left->count() > 0) eviction.in = *left;
    out.push_back(std::move(eviction));
  }
  return out;
}

}  // namespace hoplab::reconcile
