#pragma once

#include <cstdint>
#include <map>
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

/// What pods of a node ask for, summed up.
struct NodeUse {
  int64_t pods = 0;
  std::map<std::string, int64_t> requests;  ///< Of each resource, in thousandths.
  std::vector<std::string> host_ports;      ///< "TCP/8080"
  void add(const Json& pod);
  [[nodiscard]] int64_t cpu_milli() const;
};

/// Why the pod cannot run there, in the words and the order of kube-scheduler 1.22: of the first
/// matter that stands against it, but all resources that are short. Empty = it can.
std::vector<std::string> reasons_against(const Json& pod, const Json& node, const NodeUse& use);

}  // namespace hoplab::reconcile
