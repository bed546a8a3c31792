#pragma once

#include <sys/types.h>

#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_wire.h"
#include "runtime/proc/userns.h"

namespace hoplab::proc {

/// Descriptor of the channel to `up` in sandbox-init.
inline constexpr int up_channel_number = 3;

/// A sandbox whose pid 1 runs and waits on the channel for what to build.
struct NewSandbox {
  pid_t pid = -1;
  Fd pidfd;
  MessageSocket channel;
  bool user_namespace = false;
  IdMaps ids;
};

/// Makes the sandbox's namespaces (for an ordinary user inside a user namespace) and starts
/// `executable sandbox-init` in them as pid 1: no terminal, output to `log`. It ends when the
/// channel does, until it is told to stay. Errors name the gate that is closed and the repair. The
/// caller must have one thread.
Result<NewSandbox> create_sandbox(const std::string& executable, const Fd& log);

}  // namespace hoplab::proc
