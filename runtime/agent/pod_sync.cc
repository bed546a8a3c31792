#include "runtime/agent/pod_sync.h"

#include <algorithm>

namespace hoplab::agent {

namespace {

constexpr Millis first_back_off{10'000};
constexpr Millis longest_back_off{300'000};
constexpr Millis healthy_after{600'000};

void wake(Decision& decision, SteadyTime at) {
  if (!decision.wake_at || at < *decision.wake_at) decision.wake_at = at;
}

bool all_ended(const PodRecord& pod) {
  return std::none_of(pod.containers.begin(), pod.containers.end(),
                      [](const auto& c) { return c.phase == ContainerPhase::running; });
}

Decision decide_deletion(const PodRecord& pod) {
  Decision decision;
  int64_t grace = int_or(member(pod.object, "metadata"), "deletionGracePeriodSeconds", 30);
  if (pod.gone) grace = std::min<int64_t>(grace, 1);
  for (const auto& container : pod.containers) {
    bool hurry = container.stopping && grace < container.stop_grace;
    if (container.phase == ContainerPhase::running && (!container.stopping || hurry)) {
      decision.steps.push_back(StopContainer{container.name, grace});
    }
  }
  if (!decision.steps.empty() || !all_ended(pod)) return decision;
  if (!pod.torn_down) decision.steps.push_back(TearDown{});
  if (!pod.gone) decision.steps.push_back(ConfirmDeletion{});
  return decision;
}

/// The kubelet has ended the pod: what still runs gets its grace, nothing is started.
Decision decide_end(const PodRecord& pod) {
  Decision decision;
  const int64_t grace = int_or(member(pod.object, "spec"), "terminationGracePeriodSeconds", 30);
  for (const auto& container : pod.containers) {
    if (container.phase == ContainerPhase::running && !container.stopping) {
      decision.steps.push_back(StopContainer{container.name, grace});
    }
  }
  return decision;
}

bool succeeded(const ContainerRecord& container) {
  return container.phase == ContainerPhase::exited && container.ended &&
         container.ended->exit_code == 0;
}

/// Starts the container when it may run now; says when to look again otherwise.
void consider(const PodRecord& pod, const ContainerRecord& container, SteadyTime now,
              Decision& decision) {
  if (container.phase == ContainerPhase::running) return;
  if (container.phase == ContainerPhase::exited && !restarts_after(pod, container)) return;
  if (now < container.retry_at) {
    wake(decision, container.retry_at);
    return;
  }
  decision.steps.push_back(StartContainer{container.name});
}

}  // namespace

bool restarts_after(const PodRecord& pod, const ContainerRecord& container) {
  if (!pod.end_reason.empty()) return false;
  if (!container.ended) return true;
  std::string policy = string_or(member(pod.object, "spec"), "restartPolicy", "Always");
  bool failed = container.ended->exit_code != 0;
  // An init container that succeeded is done, whatever the policy.
  if (container.init) return failed && policy != "Never";
  return policy == "Always" || (policy == "OnFailure" && failed);
}

Millis next_back_off(Millis current, Millis ran_for) {
  if (current.count() == 0 || ran_for >= healthy_after) return first_back_off;
  return std::min(current * 2, longest_back_off);
}

Decision decide(const PodRecord& pod, SteadyTime now) {
  if (pod.deleting()) return decide_deletion(pod);
  if (!pod.end_reason.empty()) return decide_end(pod);
  Decision decision;
  if (pod.deadline) wake(decision, *pod.deadline);
  if (now < pod.retry_at) {
    wake(decision, pod.retry_at);
    return decision;
  }
  if (pod.sandbox_id.empty()) {
    bool nothing_to_run = std::all_of(pod.containers.begin(), pod.containers.end(), [&](auto& c) {
      return c.phase == ContainerPhase::exited && !restarts_after(pod, c);
    });
    if (!nothing_to_run) decision.steps.push_back(MakeSandbox{});
    return decision;
  }
  if (!pod.network_ready) return decision;
  for (const auto& container : pod.containers) {
    if (!container.init) continue;
    if (succeeded(container)) continue;
    consider(pod, container, now, decision);
    return decision;  // Later containers wait for this one.
  }
  for (const auto& container : pod.containers) {
    if (!container.init) consider(pod, container, now, decision);
  }
  return decision;
}

}  // namespace hoplab::agent
