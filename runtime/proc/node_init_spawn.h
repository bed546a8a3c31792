#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"

/// The clone(2) calls of node-init. Single-threaded callers only.
namespace hoplab::proc {

struct Child {
  pid_t pid = 0;
  Fd pidfd;
};

/// Starts `program` (pause) as a pod's sandbox in new net, ipc, uts and pid namespaces, as far as
/// the spec does not share the host's, with `lo` up. Shares our memory until execve(2), so it
/// costs no page table copy.
Result<Child> spawn_sandbox(const PodSandboxSpec& spec, const std::string& program);

enum class PidNamespace { own, of_sandbox, of_host };

/// Runs `body`, which must not return, in a child with a fresh mount namespace and pid namespace
/// (`sandbox`: pidfd of pause, used for PidNamespace::of_sandbox).
Result<Child> spawn_container(PidNamespace pids, const Fd& sandbox,
                              const std::function<void()>& body);

/// Runs `body` in a child inside the pid namespace of the process that `container` stands for.
Result<Child> spawn_inside(const Fd& container, const std::function<void()>& body);

}  // namespace hoplab::proc
