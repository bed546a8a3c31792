#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl_resources.h"
#include "cmd/kubectl_write.h"

namespace hoplab::cmd::kubectl {

/// The annotation that numbers the ReplicaSets of a Deployment.
inline constexpr char revision_key[] = "deployment.kubernetes.io/revision";

/// How far a Deployment or DaemonSet is with its present template, in kubectl's words. Pure.
struct RolloutState {
  bool done = false;
  std::string message;
};
Result<RolloutState> rollout_state(const Json& object);

/// What pausing or resuming changes. Fails, in the second half of kubectl's sentence, when the
/// object is no Deployment or already so. Pure.
Result<Json> pause_patch(const Found& found);
Result<Json> resume_patch(const Found& found);

/// What a `rollout` verb works on. Never empty.
Result<std::vector<Target>> rollout_targets(Session& session);

}  // namespace hoplab::cmd::kubectl
