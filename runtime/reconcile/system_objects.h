#pragma once

#include <vector>

#include "runtime/base/json.h"
#include "runtime/plan/cluster_config.h"

namespace hoplab::reconcile {

/// The objects every cluster has from its first moment on, in the order in which they can be
/// created: namespaces, the service `kubernetes` with its Endpoints, the IP pool, the accounts and
/// DaemonSets of calico-node and kube-proxy. Pure. `config` null (a server on its own) or without a
/// control plane: only the namespaces.
std::vector<Json> system_objects(const plan::ClusterConfig* config);

/// core/v1 Endpoints `kubernetes`: where the API server can be reached.
Json kubernetes_endpoints(const plan::ClusterConfig& config);

}  // namespace hoplab::reconcile
