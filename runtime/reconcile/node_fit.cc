#include "runtime/reconcile/node_fit.h"

#include <algorithm>
#include <map>

#include "runtime/base/text.h"
#include "runtime/reconcile/claim.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"
#include "store/api/quantity.h"
#include "store/api/selector.h"

namespace hoplab::reconcile {
namespace {

const Json& labels_of_node(const Json& node) {
  return member(member(node, "metadata"), "labels");
}

bool matches_term(const Json& term, const Json& node) {
  const Json& expressions = member(term, "matchExpressions");
  const Json& fields = member(term, "matchFields");
  if (list_or_empty(expressions).empty() && list_or_empty(fields).empty()) return false;
  if (!list_or_empty(expressions).empty()) {
    const auto selector = api::LabelSelector::from_json({{"matchExpressions", expressions}});
    if (!selector.ok() || !selector->matches(labels_of_node(node))) return false;
  }
  if (list_or_empty(fields).empty()) return true;
  const auto selector = api::LabelSelector::from_json({{"matchExpressions", fields}});
  return selector.ok() && selector->matches({{"metadata.name", api::name_of(node)}});
}

using Amounts = std::map<std::string, int64_t>;  ///< Of each resource, in thousandths.

Amounts amounts_of(const Json& quantities) {
  Amounts amounts;
  if (!quantities.is_object()) return amounts;
  for (const auto& [name, value] : quantities.items()) {
    const auto quantity = api::quantity_of(value);
    if (quantity.ok()) amounts[name] = quantity->milli;
  }
  return amounts;
}

/// All containers run together, initContainers one after the other before them.
Amounts requests_of(const Json& pod) {
  Amounts sum;
  for (const Json& container : list_or_empty(at_path(pod, "spec.containers"))) {
    for (const auto& [name, amount] : amounts_of(at_path(container, "resources.requests"))) {
      sum[name] += amount;
    }
  }
  for (const Json& container : list_or_empty(at_path(pod, "spec.initContainers"))) {
    for (const auto& [name, amount] : amounts_of(at_path(container, "resources.requests"))) {
      sum[name] = std::max(sum[name], amount);
    }
  }
  return sum;
}

void each_host_port(const Json& pod, const auto& visit) {
  for (const Json& container : list_or_empty(at_path(pod, "spec.containers"))) {
    for (const Json& port : list_or_empty(member(container, "ports"))) {
      if (const int64_t number = int_or(port, "hostPort"); number != 0) {
        visit(str(string_or(port, "protocol", "TCP"), "/", number));
      }
    }
  }
}

std::string taint_text(const Json& taint) {
  return str("{", string_or(taint, "key"), ": ", string_or(taint, "value"), "}");
}

}  // namespace

bool tolerates(const Json& tolerations, const Json& taint) {
  return std::any_of(list_or_empty(tolerations).begin(), list_or_empty(tolerations).end(),
                     [&](const Json& t) {
                       const std::string effect = string_or(t, "effect");
                       if (!effect.empty() && effect != string_or(taint, "effect")) return false;
                       const std::string key = string_or(t, "key");
                       const bool exists = string_or(t, "operator") == "Exists";
                       if (key.empty()) return exists;
                       if (key != string_or(taint, "key")) return false;
                       return exists || string_or(t, "value") == string_or(taint, "value");
                     });
}

const Json* untolerated_taint(const Json& tolerations, const Json& node,
                              const std::vector<std::string_view>& effects) {
  for (const Json& taint : list_or_empty(at_path(node, "spec.taints"))) {
    const std::string effect = string_or(taint, "effect");
    const bool counts = std::find(effects.begin(), effects.end(), effect) != effects.end();
    if (counts && !tolerates(tolerations, taint)) return &taint;
  }
  return nullptr;
}

bool matches_node_selection(const Json& pod_spec, const Json& node) {
  const Json& selector = member(pod_spec, "nodeSelector");
  if (selector.is_object()) {
    for (const auto& [key, value] : selector.items()) {
      if (member(labels_of_node(node), key) != value) return false;
    }
  }
  const Json& terms = at_path(pod_spec,
                              "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
                              ".nodeSelectorTerms");
  if (!terms.is_array()) return true;
  return std::any_of(terms.begin(), terms.end(),
                     [&](const Json& term) { return matches_term(term, node); });
}

void NodeUse::add(const Json& pod) {
  ++pods;
  for (const auto& [name, amount] : requests_of(pod)) requests[name] += amount;
  each_host_port(pod, [&](std::string port) { host_ports.push_back(std::move(port)); });
}

int64_t NodeUse::cpu_milli() const {
  const auto it = requests.find("cpu");
  return it != requests.end() ? it->second : 0;
}

namespace {

/// All that is short, not only the first: kube-scheduler's NodeResourcesFit.
std::vector<std::string> shortages(const Json& pod, const Json& node, const NodeUse& use) {
  std::vector<std::string> reasons;
  const Json& status = at_path(node, "status.allocatable");
  if (!status.is_object()) return reasons;
  const Amounts allocatable = amounts_of(status);
  const auto room_for = [&](const std::string& name, int64_t amount) {
    const auto it = allocatable.find(name);
    // A node says nothing of what it does not count; foreign resources ("example.com/x") it has
    // only if it says so.
    if (it == allocatable.end()) return name.find('/') == std::string::npos;
    return amount <= it->second;
  };
  if (!room_for("pods", (use.pods + 1) * 1000)) reasons.emplace_back("Too many pods");
  for (const auto& [name, amount] : requests_of(pod)) {
    const auto it = use.requests.find(name);
    const int64_t used = it != use.requests.end() ? it->second : 0;
    if (amount > 0 && !room_for(name, used + amount)) reasons.push_back("Insufficient " + name);
  }
  return reasons;
}

}  // namespace

std::vector<std::string> reasons_against(const Json& pod, const Json& node, const NodeUse& use) {
  const Json& spec = member(pod, "spec");
  const Json unschedulable = {{"key", "node.kubernetes.io/unschedulable"},
                              {"effect", "NoSchedule"}};
  const Json& tolerations = member(spec, "tolerations");
  if (bool_or(member(node, "spec"), "unschedulable") && !tolerates(tolerations, unschedulable)) {
    return {"node(s) were unschedulable"};
  }
  if (const Json* taint = untolerated_taint(tolerations, node, {"NoSchedule", "NoExecute"})) {
    return {str("node(s) had taint ", taint_text(*taint), ", that the pod didn't tolerate")};
  }
  if (!matches_node_selection(spec, node)) {
    return {"node(s) didn't match Pod's node affinity/selector"};
  }
  bool clash = false;
  each_host_port(pod, [&](const std::string& port) {
    clash = clash ||
            std::find(use.host_ports.begin(), use.host_ports.end(), port) != use.host_ports.end();
  });
  if (clash) return {"node(s) didn't have free ports for the requested pod ports"};
  return shortages(pod, node, use);
}

}  // namespace hoplab::reconcile
