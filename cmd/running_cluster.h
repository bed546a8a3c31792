#pragma once

#include <string>

#include "cmd/command.h"
#include "runtime/base/result.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/proc/sandbox_control.h"
#include "runtime/proc/sandbox_state.h"

namespace hoplab::cmd {

/// A cluster that is up, as the commands outside the sandbox see it.
struct RunningCluster {
  proc::SandboxState state;
  plan::ClusterConfig config;
  std::string folder;

  /// The kubeconfig of a cluster that has an API server; else an error that says how to get one.
  [[nodiscard]] Result<std::string> kubeconfig_of_api() const;
  [[nodiscard]] std::string kubeconfig() const { return folder + "/kubeconfig"; }
  [[nodiscard]] Result<proc::SandboxControl> control() const;
};

/// Fails inside a sandbox: clusters are started, entered and ended from outside.
Result<void> check_outside();

/// "hoplab --cluster two REST", without the flag where no cluster was chosen. For hints.
std::string command_for(const Invocation& invocation, std::string_view rest);

/// The cluster that the invocation means: the chosen one; when none was chosen and the default is
/// not up, the only one that is. The error says what is up and how to choose.
Result<RunningCluster> find_running_cluster(const Invocation& invocation);

/// The cluster config that `up` means: `file` is a path, the name of a ready-made cluster, or empty
/// for the one that goes with the cluster's name.
Result<plan::ClusterConfig> choose_cluster_config(const Invocation& invocation,
                                                  const std::string& file);

}  // namespace hoplab::cmd
