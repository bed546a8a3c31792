#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "runtime/base/result.h"
#include "runtime/proc/container_client.h"

namespace hoplab::cmd::docker {

struct StreamWish {
  bool input = false;  ///< Our standard input goes to the process.
  /// Of a process without a terminal: signals that reach us are passed on. Unset: they end us.
  std::function<void(int signal)> on_signal;
  bool detach_keys = false;  ///< Ctrl-P Ctrl-Q leaves the process alone (only with a terminal).
};

/// Joins our standard streams to a process in a container until it ends; nullopt when the user
/// detached. With a terminal on both sides ours is raw meanwhile. Blocks signals: call it once,
/// before other threads.
Result<std::optional<proc::ExitStatus>> join_streams(proc::StreamSession& session,
                                                     const StreamWish& wish);

}  // namespace hoplab::cmd::docker
