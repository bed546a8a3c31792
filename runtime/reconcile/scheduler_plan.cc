#include "runtime/reconcile/scheduler_plan.h"

#include <algorithm>
#include <tuple>

#include "runtime/base/text.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

struct Candidate {
  SharedJson node;
  std::string name;
  NodeUse use;
  std::map<std::string, int64_t> per_owner;  ///< Pods by their controller's uid.

  void add(const Json& pod) {
    use.add(pod);
    if (const auto owner = controller_of(pod)) ++per_owner[owner->uid];
  }
  [[nodiscard]] int64_t same_owner(const Json& pod) const {
    const auto owner = controller_of(pod);
    if (!owner) return 0;
    const auto it = per_owner.find(owner->uid);
    return it != per_owner.end() ? it->second : 0;
  }
};

/// "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
std::string no_fit(size_t nodes, const std::map<std::string, int>& reasons) {
  if (nodes == 0) return "no nodes available to schedule pods";
  std::vector<std::string> parts;
  parts.reserve(reasons.size());
  for (const auto& [reason, count] : reasons) parts.push_back(str(count, " ", reason));
  std::sort(parts.begin(), parts.end());
  return str("0/", nodes, " nodes are available: ", join(parts, ", "), ".");
}

Placement place(const SharedJson& pod, std::vector<Candidate>& candidates) {
  Candidate* best = nullptr;
  std::map<std::string, int> reasons;
  const auto load = [&](const Candidate& c) {
    return std::tuple(c.same_owner(*pod), c.use.pods, c.use.cpu_milli(), std::string_view(c.name));
  };
  for (Candidate& candidate : candidates) {
    const auto against = reasons_against(*pod, *candidate.node, candidate.use);
    for (const std::string& reason : against) ++reasons[reason];
    const bool better = best == nullptr || load(candidate) < load(*best);
    if (against.empty() && better) best = &candidate;
  }
  if (best == nullptr) {
    return {.pod = pod, .node = {}, .reason = no_fit(candidates.size(), reasons)};
  }
  best->add(*pod);
  return {.pod = pod, .node = best->name, .reason = {}};
}

}  // namespace

bool needs_node(const Json& pod) {
  return node_name_of(pod).empty() && pod_is_active(pod) &&
         string_or(member(pod, "spec"), "schedulerName", "default-scheduler") ==
             "default-scheduler";
}

std::vector<Placement> place_pods(const std::vector<SharedJson>& pods,
                                  const std::vector<SharedJson>& nodes) {
  std::vector<Candidate> candidates;
  std::map<std::string, size_t> index;
  for (const SharedJson& node : nodes) {
    index[api::name_of(*node)] = candidates.size();
    candidates.push_back({.node = node, .name = api::name_of(*node), .use = {}, .per_owner = {}});
  }
  std::vector<SharedJson> waiting;
  for (const SharedJson& pod : pods) {
    if (needs_node(*pod)) {
      waiting.push_back(pod);
    } else if (const auto it = index.find(node_name_of(*pod));
               it != index.end() && !pod_is_finished(*pod)) {
      candidates[it->second].add(*pod);
    }
  }
  // First come, first served.
  std::stable_sort(waiting.begin(), waiting.end(), [](const SharedJson& a, const SharedJson& b) {
    return string_or(member(*a, "metadata"), "creationTimestamp") <
           string_or(member(*b, "metadata"), "creationTimestamp");
  });
  std::vector<Placement> placements;
  placements.reserve(waiting.size());
  for (const SharedJson& pod : waiting) placements.push_back(place(pod, candidates));
  return placements;
}

}  // namespace hoplab::reconcile
