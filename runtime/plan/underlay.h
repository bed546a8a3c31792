#pragma once

#include <string>
#include <vector>

#include "runtime/model/operation.h"
#include "runtime/plan/cluster_config.h"

namespace hoplab::plan {

/// What the plan must know of the kernel.
struct UnderlayFacts {
  bool bridge_netfilter = true;  ///< /proc/sys/net/bridge exists (br_netfilter is loaded).
  bool ipv6 = true;              ///< /proc/sys/net/ipv6 exists.
};

/// Everything between the bare namespaces and "every host can reach every host": switches in the
/// sandbox's own namespace (netns ""), cables straight into the hosts, addresses, default routes,
/// forwarding on routers. Pure; in an order that can be applied, with the operations of a namespace
/// together as far as that allows.
std::vector<Operation> plan_underlay(const ClusterConfig& config, const UnderlayFacts& facts);

/// The part of plan_underlay() that a host needs when it starts again: its cables and what is
/// inside it. The switches are there.
std::vector<Operation> plan_host_underlay(const ClusterConfig& config, const HostConfig& host,
                                          const UnderlayFacts& facts);

/// Unplugs a host that is to start again; applied with absent links tolerated.
std::vector<Operation> plan_host_removal(const ClusterConfig& config, const HostConfig& host);

/// The name of the switch's end of a cable: HOST-eth0, or portN-eth0 (N = place in the file) where
/// that is too long for the kernel.
std::string port_name(const ClusterConfig& config, const HostConfig& host,
                      const HostInterface& interface);

/// The text of the host's /etc/hosts: itself and every other host of the cluster.
std::string render_hosts_file(const ClusterConfig& config, const HostConfig& host);
/// The text of /etc/resolv.conf of every host: the pretend internet's DNS servers, if it has any.
std::string render_resolv_conf(const ClusterConfig& config);

}  // namespace hoplab::plan
