#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/proc/cgroup.h"
#include "runtime/proc/container_types.h"

namespace hoplab::proc {

/// A process that node-init keeps running: the agent, the tunnel.
struct ServiceSpec {
  std::string name;  ///< Its output goes to <state directory>/log/NAME.log.
  std::vector<std::string> argv;
  std::vector<EnvVar> env;  ///< In addition to node-init's own environment.
  bool operator==(const ServiceSpec&) const = default;
};

/// /run/hoplab/node.json, written by sandbox-init:
///   {"host": "k8s-w1", "cluster": "k8s", "images": "/home/me/…",
///    "services": [{"name": "agent", "argv": ["…"]}]}
/// Further keys are for others. "env" of a service is an object of strings.
struct NodeConfig {
  std::string host;
  std::string cluster;
  std::vector<ServiceSpec> services;
  std::string image_folder;  ///< Of the images that the user has loaded; empty = none.
  std::string state_directory = "/run/hoplab";  ///< Not from the file: where the file lies.

  [[nodiscard]] std::string socket_path() const { return state_directory + "/node.sock"; }
  /// Directory name in the resource controllers: "hoplab-k8s.k8s-w1".
  [[nodiscard]] std::string cgroup_name() const { return cluster_cgroup_prefix(cluster) + host; }
  bool operator==(const NodeConfig&) const = default;
};

/// The error names the field.
Result<NodeConfig> parse_node_config(const Json& json);

}  // namespace hoplab::proc
