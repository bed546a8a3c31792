#pragma once

#include <string>
#include <vector>

#include "runtime/plan/services.h"

namespace hoplab::reconcile {

/// One rule (or chain) that exists because of a service, as the command that would make it.
struct ExplainedRule {
  std::string reason;   ///< A sentence for people.
  std::string command;  ///< "iptables -t nat -A KUBE-SVC-… …"
  bool operator==(const ExplainedRule&) const = default;
};

/// Everything in the packet filter of this node that exists because of these ports of a service,
/// in an order in which the commands work when typed into a node that has the chains of
/// plan::base_rules(). Pure; for `hoplab why service`.
std::vector<ExplainedRule> explain_service(const plan::ProxyConfig& config,
                                           const std::vector<plan::ServicePort>& ports);

}  // namespace hoplab::reconcile
