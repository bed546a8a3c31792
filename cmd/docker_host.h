#pragma once

#include "cmd/command.h"
#include "runtime/base/result.h"
#include "runtime/engine/client.h"

namespace hoplab::cmd::docker {

/// Whether we are on a host that has a node-init, and so may have containers.
bool is_on_host();

/// dockerd's descriptor for the word that it is ready, or why it is not.
inline constexpr int engine_ready_number = 3;

/// Where the images are. On a host of a lab everybody is root; there they are the lab's user's.
std::string images_folder();

/// Runs `docker ARGS` on a host: that of the cluster that was chosen, else the one bare host of
/// cluster `linux`, which is started when it is not up. Returns the command's exit code.
int run_on_host(const Invocation& invocation);

/// The engine of this host, started when it does not run yet.
Result<engine::EngineClient> open_engine();
/// The same without starting one: `unavailable` when none runs.
Result<engine::EngineClient> running_engine();

}  // namespace hoplab::cmd::docker
