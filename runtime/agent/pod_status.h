#pragma once

#include "runtime/agent/pod_record.h"

namespace hoplab::agent {

/// Facts about the node that go into every pod's status.
struct NodeFacts {
  std::string name;
  Ipv4 address;
};

/// The runtime that ids and the Node's containerRuntimeVersion name. Kubernetes 1.22 of the course
/// ran on Docker, the kubelet's words about failed containers are Docker's, and `hoplab docker`
/// lists the same ids.
inline constexpr std::string_view container_runtime = "docker";

/// The pod's status as kubelet 1.22 writes it: phase, conditions, hostIP, podIP(s), startTime,
/// container statuses, qosClass. `previous` is the status the API has: unchanged conditions keep
/// their lastTransitionTime. Pure.
Json make_status(const PodRecord& pod, const NodeFacts& node, const Json& previous, WallTime now);

/// Whether what the API has (`current`) is no longer what the agent said (`reported`) in the parts
/// that others decide by: phase, address, conditions, readiness of containers. Pure.
bool status_was_changed(const Json& reported, const Json& current);

}  // namespace hoplab::agent
