#include "runtime/reconcile/node_fit.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/api/quantity.h"
#include "store/api/selector.h"

namespace hoplab::reconcile {
namespace {

const Json& rows(const Json& list) {
  static const Json empty = Json::array();
  return list.is_array() ? list : empty;
}

const Json& labels_of_node(const Json& node) {
  return member(member(node, "metadata"), "labels");
}

bool matches_term(const Json& term, const Json& node) {
  const Json& expressions = member(term, "matchExpressions");
  const Json& fields = member(term, "matchFields");
  if (rows(expressions).empty() && rows(fields).empty()) return false;
  if (!rows(expressions).empty()) {
    const auto selector = api::LabelSelector::from_json({{"matchExpressions", expressions}});
    if (!selector.ok() || !selector->matches(labels_of_node(node))) return false;
  }
  if (rows(fields).empty()) return true;
  const auto selector = api::LabelSelector::from_json({{"matchExpressions", fields}});
  return selector.ok() && selector->matches({{"metadata.name", api::name_of(node)}});
}

int64_t milli_of(const Json& resources, std::string_view name) {
  const Json& value = member(resources, name);
  if (value.is_null()) return 0;
  const auto quantity = api::quantity_of(value);
  return quantity.ok() ? quantity->milli : 0;
}

void each_host_port(const Json& pod, const auto& visit) {
  for (const Json& container : rows(at_path(pod, "spec.containers"))) {
    for (const Json& port : rows(member(container, "ports"))) {
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
  return std::any_of(rows(tolerations).begin(), rows(tolerations).end(), [&](const Json& t) {
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
  for (const Json& taint : rows(at_path(node, "spec.taints"))) {
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
  for (const Json& container : rows(at_path(pod, "spec.containers"))) {
    const Json& requests = at_path(container, "resources.requests");
    cpu_milli += milli_of(requests, "cpu");
    memory += milli_of(requests, "memory") / 1000;
  }
  each_host_port(pod, [&](std::string port) { host_ports.push_back(std::move(port)); });
}

std::string reason_against(const Json& pod, const Json& node, const NodeUse& use) {
  const Json& spec = member(pod, "spec");
  const Json unschedulable = {{"key", "node.kubernetes.io/unschedulable"},
                              {"effect", "NoSchedule"}};
  const Json& tolerations = member(spec, "tolerations");
  if (bool_or(member(node, "spec"), "unschedulable") && !tolerates(tolerations, unschedulable)) {
    return "node(s) were unschedulable";
  }
  if (!matches_node_selection(spec, node)) {
    return "node(s) didn't match Pod's node affinity/selector";
  }
  if (const Json* taint = untolerated_taint(tolerations, node, {"NoSchedule", "NoExecute"})) {
    return str("node(s) had taint ", taint_text(*taint), ", that the pod didn't tolerate");
  }
  bool clash = false;
  each_host_port(pod, [&](const std::string& port) {
    clash = clash ||
            std::find(use.host_ports.begin(), use.host_ports.end(), port) != use.host_ports.end();
  });
  if (clash) return "node(s) didn't have free ports for the requested pod ports";
  NodeUse with = use;
  with.add(pod);
  const Json& allocatable = at_path(node, "status.allocatable");
  const auto exceeds = [&](const char* resource, int64_t wanted_milli) {
    return allocatable.contains(resource) && wanted_milli > milli_of(allocatable, resource);
  };
  if (!allocatable.is_object()) return {};
  if (exceeds("pods", with.pods * 1000)) return "Too many pods";
  if (with.cpu_milli > use.cpu_milli && exceeds("cpu", with.cpu_milli)) return "Insufficient cpu";
  if (with.memory > use.memory && exceeds("memory", with.memory * 1000)) {
    return "Insufficient memory";
  }
  return {};
}

}  // namespace hoplab::reconcile
