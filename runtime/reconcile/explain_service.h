#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/plan/services.h"

namespace hoplab::reconcile {

/// One rule (or chain) that exists because of a service, as the command that would make it.
struct ExplainedRule {
  std::string reason;   ///< A sentence for people.
  std::string command;  ///< "iptables -t nat -A KUBE-SVC-… …"
  // The same as values, to look it up in a kernel.
  std::string table;
  std::string chain;
  std::optional<Rule> rule;  ///< None: it is the chain itself.
  bool operator==(const ExplainedRule&) const = default;
};

/// Everything in the packet filter of this node that exists because of these ports of a service,
/// in an order in which the commands work when typed into a node that has the chains of
/// plan::base_rules(). `with_comments` as in plan::rules_for_port(). Pure; for `hoplab why
/// service`.
std::vector<ExplainedRule> explain_service(const plan::ProxyConfig& config,
                                           const std::vector<plan::ServicePort>& ports,
                                           bool with_comments = true);

}  // namespace hoplab::reconcile
