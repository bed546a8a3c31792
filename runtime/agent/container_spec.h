#pragma once

#include <string>
#include <vector>

#include "runtime/agent/environment.h"
#include "runtime/agent/volumes.h"
#include "runtime/proc/container_types.h"

namespace hoplab::agent {

/// Labels under which node-init keeps what the agent needs to adopt a pod after a restart. The
/// first four are the names dockershim used, so that learners find them where they expect them.
namespace labels {
inline constexpr const char* pod_name = "io.kubernetes.pod.name";
inline constexpr const char* pod_namespace = "io.kubernetes.pod.namespace";
inline constexpr const char* pod_uid = "io.kubernetes.pod.uid";
inline constexpr const char* container_name = "io.kubernetes.container.name";
inline constexpr const char* restart_count = "io.kubernetes.container.restartCount";
inline constexpr const char* pod_ip = "hoplab.pod.ip";

/// The label's value; empty when there is none.
std::string get(const proc::Labels& all, const char* name);
}  // namespace labels

/// DNS settings of the cluster as they go into a pod's resolv.conf.
struct DnsFacts {
  std::string server = "10.96.0.10";
  std::string domain = "cluster.local";
};

/// 64 hex digits, as Docker names sandboxes and containers.
std::string new_runtime_id();

/// The sandbox of a pod whose address is known.
proc::PodSandboxSpec make_sandbox_spec(const PodRecord& pod, const std::string& id,
                                       const DnsFacts& dns);

/// What a container of the pod starts with; `variables` are already resolved. Command and args get
/// $(VAR) expanded. Bad values (capability names, quantities) are `invalid` with the field's path.
Result<proc::ContainerSpec> make_container_spec(const PodRecord& pod,
                                                const ContainerRecord& container,
                                                const Variables& variables,
                                                const std::vector<VolumeMount>& mounts);

/// The pod's /etc/resolv.conf under its dnsPolicy and dnsConfig; empty = the node's own
/// (facts/services.md 5.3).
std::string make_resolv_conf(const PodRecord& pod, const DnsFacts& dns);
/// The pod's /etc/hosts with its own name and hostAliases.
std::string make_hosts_file(const PodRecord& pod);
/// "/var/log/pods/NS_NAME_UID/CONTAINER/RESTARTS.log".
std::string log_path(const PodRecord& pod, const ContainerRecord& container, int restarts);
/// Removes the log of one run with what was rotated away of it, or all logs of a pod.
void remove_log(const PodRecord& pod, const ContainerRecord& container, int restarts);
void remove_logs(const PodRecord& pod);

}  // namespace hoplab::agent
