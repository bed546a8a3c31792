#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/proc/container_child.h"
#include "runtime/proc/image.h"
#include "runtime/proc/rootfs.h"

namespace hoplab::proc {

/// Facts of the node that a container's start depends on.
struct NodeFacts {
  std::string hostname;
  std::string resolv_conf;               ///< Text of the node's own file.
  std::string executable;                ///< Path of hoplab.
  std::string pause_program;             ///< Path of pause.
  uint64_t writable_bytes = 64U << 20U;  ///< For each container, outside its volumes.
  CapabilitySet available = 0;
};

/// What one container may write on a machine with that much memory: a tenth, from 64 MiB to 1 GiB.
uint64_t writable_limit(uint64_t memory_bytes);

struct StartPlan {
  ProgramPlan program;
  RootfsSpec root;
  int stop_signal = SIGTERM;
  std::vector<std::string> notes;
};

/// What a container's start means in detail. Pure. Fails when the spec asks for what does not
/// exist (a capability's name).
Result<StartPlan> plan_container(const ContainerSpec& spec, const PodSandboxSpec& sandbox,
                                 const Image& image, const NodeFacts& node);

/// A process in a running container; inherits the container's environment and rights.
ProgramPlan plan_exec(const ExecSpec& spec, const ProgramPlan& container);

}  // namespace hoplab::proc
