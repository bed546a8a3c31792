#include "runtime/reconcile/scheduler_controller.h"

#include "runtime/base/text.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* only_key = "waiting pods";

/// Heartbeats change a node all the time; only this matters to waiting pods.
bool node_changed(const Json& before, const Json& now) {
  return member(before, "spec") != member(now, "spec") || labels_of(before) != labels_of(now) ||
         at_path(before, "status.allocatable") != at_path(now, "status.allocatable");
}

}  // namespace

void SchedulerController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "Pod") {
    const bool waits = change.now != nullptr && needs_node(*change.now);
    // A pod that leaves its node makes room.
    const bool leaves = change.before != nullptr && !node_name_of(*change.before).empty() &&
                        (change.now == nullptr || pod_is_finished(*change.now));
    // Our own note that a pod cannot be placed is no news.
    const bool only_status = waits && change.before != nullptr &&
                             member(*change.before, "spec") == member(*change.now, "spec");
    if ((waits && !only_status) || leaves) keys.emplace_back(only_key);
  }
  if (change.kind == "Node" && change.now != nullptr &&
      (change.before == nullptr || node_changed(*change.before, *change.now))) {
    keys.emplace_back(only_key);
  }
}

Result<std::optional<Millis>> SchedulerController::reconcile(const std::string&) {
  const auto placements =
      place_pods(registry_.all(api::kind_of("Pod")), registry_.all(api::kind_of("Node")));
  for (const Placement& placement : placements) {
    const Json& pod = *placement.pod;
    if (placement.node.empty()) {
      HOP_CHECK(note_unschedulable(placement));
      continue;
    }
    auto bound = registry_.bind(api::namespace_of(pod), api::name_of(pod), placement.node);
    if (bound.ok()) {
      tell_(name(), pod, "Normal", "Scheduled",
            str("Successfully assigned ", api::key_of(pod), " to ", placement.node));
      continue;
    }
    // The pod went, or somebody else placed it: nothing left to do for it.
    const ErrorCode code = bound.error().code();
    if (code != ErrorCode::not_found && code != ErrorCode::conflict) {
      return std::move(bound).error();
    }
  }
  return settled();
}

Result<void> SchedulerController::note_unschedulable(const Placement& placement) {
  Json pod = *placement.pod;
  if (!set_condition(pod["status"]["conditions"], "PodScheduled", "False", "Unschedulable",
                     placement.reason, to_rfc3339(clock_.wall()))) {
    return {};
  }
  tell_(name(), pod, "Warning", "FailedScheduling", placement.reason);
  const std::string space = api::namespace_of(pod);
  const std::string pod_name = api::name_of(pod);
  auto noted =
      registry_.update(api::kind_of("Pod"), space, pod_name, std::move(pod), Subresource::status);
  if (!noted && noted.error().code() != ErrorCode::not_found) return std::move(noted).error();
  return {};
}

}  // namespace hoplab::reconcile
