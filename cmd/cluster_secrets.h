#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/proc/sandbox_mounts.h"
#include "web/kubeconfig.h"

namespace hoplab::cmd {

/// The certificates of a new cluster and who gets which.
struct ClusterSecrets {
  /// Host -> files below its /run/hoplab: pki/… on nodes (the control plane has all, a worker its
  /// own and those of the roles that run there), kubeconfig everywhere.
  std::map<std::string, std::vector<proc::HostFile>> files;
  /// The administrator; `server` is still empty.
  web::ClientConfig admin;
};

/// Takes some milliseconds. The config must have a control plane.
Result<ClusterSecrets> make_cluster_secrets(const plan::ClusterConfig& config);

}  // namespace hoplab::cmd
