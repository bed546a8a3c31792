#pragma once

#include <iosfwd>

#include "runtime/plan/cluster_config.h"

namespace hoplab::cmd {

// What `up` does to the kernel, as commands with their reasons. They can be run by hand, as root,
// in the order of these functions.

/// The hosts' network namespaces.
void print_namespaces(std::ostream& out, const plan::ClusterConfig& config);

/// Their cables, addresses and routes.
void print_underlay(std::ostream& out, const plan::ClusterConfig& config);

/// What the cluster then adds on each node before there are pods: tunl0, routes to the other
/// nodes' blocks, the chains that services hang in. Nothing for a cluster without Kubernetes.
void print_node_plan(std::ostream& out, const plan::ClusterConfig& config);

}  // namespace hoplab::cmd
