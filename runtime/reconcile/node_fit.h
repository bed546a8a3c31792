#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"

/// Whether a pod may and can run on a node. Pure.
namespace hoplab::reconcile {

/// Whether the pod's tolerations cover the taint.
bool tolerates(const Json& tolerations, const Json& taint);
/// The first taint with one of the effects that is not covered; null when there is none.
const Json* untolerated_taint(const Json& tolerations, const Json& node,
                              const std::vector<std::string_view>& effects);
/// nodeSelector and the required part of nodeAffinity.
bool matches_node_selection(const Json& pod_spec, const Json& node);

/// What pods of a node ask for, summed up; cpu in thousandths, memory in bytes.
struct NodeUse {
  int64_t pods = 0;
  int64_t cpu_milli = 0;
  int64_t memory = 0;
  std::vector<std::string> host_ports;  ///< "TCP/8080"
  void add(const Json& pod);
};

/// Why the pod cannot run there, in the words of Kubernetes 1.22; empty = it can.
std::string reason_against(const Json& pod, const Json& node, const NodeUse& use);

}  // namespace hoplab::reconcile
