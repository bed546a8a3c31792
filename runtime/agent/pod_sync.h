#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/agent/pod_record.h"

namespace hoplab::agent {

/// What to do for a pod now. Pure decisions; pod_worker.cc carries them out.
struct MakeSandbox {};
struct StartContainer {
  std::string name;
};
/// Ask the container to end; grace in whole seconds, 0 = SIGKILL at once.
struct StopContainer {
  std::string name;
  int64_t grace_seconds = 30;
};
/// Remove containers, network, sandbox and volumes. Nothing runs any more.
struct TearDown {};
/// Tell the API that the pod is gone (delete with grace 0).
struct ConfirmDeletion {};

using Step = std::variant<MakeSandbox, StartContainer, StopContainer, TearDown, ConfirmDeletion>;

struct Decision {
  std::vector<Step> steps;
  /// When to look again though nothing happens (back-off); nullopt = only on events.
  std::optional<SteadyTime> wake_at;
};

/// The next steps towards the pod's spec, given what is known. Deterministic.
Decision decide(const PodRecord& pod, SteadyTime now);

/// The back-off after one more failed run: 10 s, doubled, at most 5 minutes; a run longer than
/// 10 minutes starts over. As kubelet's CrashLoopBackOff.
Millis next_back_off(Millis current, Millis ran_for);

/// Whether a container that ended is started again under the pod's restartPolicy.
bool restarts_after(const PodRecord& pod, const ContainerRecord& container);

}  // namespace hoplab::agent
