// `hoplab why service`: the rules on every node that exist because of it.

#include <algorithm>
#include <map>

#include "cmd/why_cluster.h"
#include "runtime/base/text.h"
#include "runtime/plan/services_input.h"
#include "runtime/reconcile/explain_service.h"
#include "store/api/kind.h"

namespace hoplab::cmd {

namespace {

plan::ServiceInput input_of(const WhyObjects& objects, const Json& service) {
  std::vector<const Json*> slices;
  for (const Json& slice : objects.slices) {
    if (plan::service_of_slice(slice) == api::key_of(service)) slices.push_back(&slice);
  }
  return plan::service_input(service, slices);
}

/// Very many endpoints: then kube-proxy leaves the comments out.
bool with_comments(const WhyObjects& objects) {
  size_t endpoints = 0;
  for (const Json& service : objects.services) {
    for (const auto& port : input_of(objects, service).ports) endpoints += port.endpoints.size();
  }
  return endpoints <= plan::large_cluster_endpoints;
}

void add_facts(const Json& service, const plan::ServiceInput& input, WhyReport& report) {
  const Json& spec = member(service, "spec");
  report.facts.emplace_back("type", string_or(spec, "type", "ClusterIP"));
  report.facts.emplace_back("cluster IP", string_or(spec, "clusterIP", "<none>"));
  for (const plan::ServicePort& port : input.ports) {
    std::vector<std::string> endpoints;
    for (const auto& endpoint : port.endpoints) {
      endpoints.push_back(str(to_string(endpoint.ip), ":", endpoint.port));
    }
    report.facts.emplace_back(
        str("port ", port.port, port.protocol == protocol::udp ? "/udp" : "/tcp"),
        str(port.node_port != 0 ? str("node port ", port.node_port, ", ") : std::string(),
            endpoints.empty() ? "no endpoint: refused" : "goes to " + join(endpoints, ", ")));
  }
  for (const std::string& sentence : input.ignored) report.facts.emplace_back("left out", sentence);
  if (input.ports.empty()) {
    report.facts.emplace_back("rules", "none: it has no cluster IP, names lead to the pods");
  }
}

/// Nodes with one and the same list of rules (Local policies make lists differ).
struct Group {
  std::vector<reconcile::ExplainedRule> rules;
  std::vector<std::string> nodes;
};

std::vector<Group> group_nodes(const RunningCluster& cluster, const plan::ServiceInput& input,
                               bool comments) {
  std::vector<Group> out;
  for (const auto& host : cluster.config.hosts) {
    if (!host.is_node()) continue;
    plan::ProxyConfig config;
    config.node = host.name;
    config.node_ip = host.address();
    config.cluster_cidr = cluster.config.pod_network;
    auto rules = reconcile::explain_service(config, input.ports, comments);
    auto same = std::find_if(out.begin(), out.end(),
                             [&](const Group& group) { return group.rules == rules; });
    if (same == out.end()) same = out.insert(out.end(), Group{std::move(rules), {}});
    same->nodes.push_back(host.name);
  }
  return out;
}

/// Present when every node of the group has it.
Presence presence_on(const Group& group, const reconcile::ExplainedRule& rule,
                     const std::map<std::string, nft::ObservedRuleset>& live) {
  std::vector<std::string> without;
  for (const std::string& node : group.nodes) {
    const auto found = live.find(node);
    if (found == live.end() ||
        !presence_of(found->second, "kube-proxy", rule.table, rule.chain, rule.rule).present) {
      without.push_back(node);
    }
  }
  if (without.empty()) return {true, {}};
  return {false, str("not on ", join(without, ", "))};
}

}  // namespace

Result<WhyReport> why_service(const WhyRequest& request, const RunningCluster& cluster,
                              const WhyObjects& objects, WhyKernels& kernels) {
  const Json& service = *WhyObjects::find(objects.services, request.namespace_name, request.name);
  WhyReport report{"service", api::key_of(service), {}, {}};
  const plan::ServiceInput input = input_of(objects, service);
  add_facts(service, input, report);
  if (input.ports.empty()) return report;
  std::map<std::string, nft::ObservedRuleset> live;
  for (const auto& host : cluster.config.hosts) {
    if (!host.is_node()) continue;
    auto rules = kernels.observe_rules(host.name);
    if (rules) {
      live[host.name] = *std::move(rules);
    } else if (rules.error().code() != ErrorCode::unavailable) {
      return rules.error();
    }
  }
  for (const Group& group : group_nodes(cluster, input, with_comments(objects))) {
    WhySection section{"rules of " + join(group.nodes, ", "), group.nodes, {}};
    for (const auto& rule : group.rules) {
      section.items.push_back({rule.command, rule.reason, presence_on(group, rule, live)});
    }
    report.sections.push_back(std::move(section));
  }
  return report;
}

}  // namespace hoplab::cmd
