#pragma once

#include "runtime/plan/cluster_config.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Creates the system objects that are missing (system_objects.h); what exists stays as people
/// changed it, except the API server's own address in the Endpoints `kubernetes`. At every start of
/// the server, before the controllers. `config` as in system_objects().
Result<void> bootstrap_cluster(Registry& registry, const plan::ClusterConfig* config);

}  // namespace hoplab::reconcile
