#pragma once

#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/proc/node_init_config.h"

namespace hoplab::proc {

/// Pid 1 of a host: reaps every orphan, keeps the host's services running, and is the only one
/// that forks containers (ContainerClient is its client). One thread, one event loop; all state in
/// memory, so that agents can come and go. Returns after SIGTERM, when everything is ended; a
/// SIGKILL is a power cut: the kernel ends the pid namespace. Fails when the socket cannot be
/// opened. Uses no TLS and no threads: its memory is counted per host.
Result<void> run_node_init(const NodeConfig& config, const Log& log);

}  // namespace hoplab::proc
