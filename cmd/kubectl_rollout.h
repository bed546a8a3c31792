#pragma once

#include <string>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::cmd::kubectl {

/// How far a Deployment or DaemonSet is with its present template, in kubectl's words. Pure.
struct RolloutState {
  bool done = false;
  std::string message;
};
Result<RolloutState> rollout_state(const Json& object);

}  // namespace hoplab::cmd::kubectl
