// `hoplab why node`: a host's cables and addresses; of a Kubernetes node also the tunnel, the block
// routes and the rules that are there without any service.

#include <algorithm>
#include <iterator>

#include "cmd/why_cluster.h"
#include "runtime/base/text.h"
#include "runtime/plan/felix_rules.h"
#include "runtime/plan/services.h"
#include "runtime/plan/tunnel_plan.h"
#include "runtime/plan/underlay.h"
#include "store/api/kind.h"

namespace hoplab::cmd {

namespace {

constexpr const char* ip_forward = "net/ipv4/ip_forward";
constexpr const char* tunnel = "tunl0";

struct NodeView {
  const plan::HostConfig& host;
  const WhyObjects& objects;
  const NetworkState& state;
  const Json* node;  ///< Null for a host without Kubernetes.
  bool has_ipv6;
};

bool encapsulates(const WhyObjects& objects) {
  const auto pools = objects.pool_views();
  return std::any_of(pools.begin(), pools.end(), [](const plan::PoolView& pool) {
    return pool.encapsulation != plan::Encapsulation::never;
  });
}

plan::BlockRoutesInput routes_input(const NodeView& view) {
  plan::BlockRoutesInput input;
  input.own_node = view.host.name;
  input.netns = view.host.name;
  input.nodes = view.objects.route_nodes();
  input.blocks = view.objects.block_owners();
  input.uplink = view.host.interfaces.front().name;
  input.uplink_gateway = view.host.gateway;
  return input;
}

/// What calico-node makes on a node whose kernel is bare: tunl0's properties and the routes.
std::vector<Operation> pod_network_operations(const NodeView& view) {
  const plan::BlockRoutesInput input = routes_input(view);
  std::vector<Operation> out{{view.host.name, SysctlSet{ip_forward, "1"},
                              "a node routes packets between its pods and the other nodes"}};
  const Json& annotations = at_path(*view.node, "metadata.annotations");
  auto address = Ipv4::parse(string_or(annotations, plan::tunnel_address_annotation));
  if (encapsulates(view.objects) && address) {
    const Link* uplink = view.state.link(input.uplink);
    Link bare;
    bare.name = tunnel;
    append(out, plan::plan_tunnel_link(
                    {view.host.name, tunnel, (uplink == nullptr ? 1500 : uplink->mtu) - 20,
                     Prefix::host(*address)},
                    &bare, {}));
    const Link* link = view.state.link(tunnel);
    if (link != nullptr && plan::tunnel_needs_neighbors(*link)) {
      append(out, plan::plan_tunnel_neighbors(input, {}));
    }
  }
  append(out, plan::plan_block_routes(input, {}).operations);
  return out;
}

/// The host's own part of the underlay; what calico-node sets otherwise later is its.
std::vector<Operation> underlay_operations(const RunningCluster& cluster, const NodeView& view,
                                           const std::vector<Operation>& later) {
  std::vector<Operation> out =
      plan::plan_host_underlay(cluster.config, view.host, {.ipv6 = view.has_ipv6});
  const std::vector<std::string> keys = sysctl_keys(later, view.host.name);
  std::erase_if(out, [&](const Operation& operation) {
    const auto* set = std::get_if<SysctlSet>(&operation.action);
    return set != nullptr && std::find(keys.begin(), keys.end(), set->key) != keys.end();
  });
  return out;
}

/// Operations by the namespace they act in, as sections.
void add_sections(const std::string& what, const std::vector<Operation>& operations,
                  const LiveNetworks& live, WhyReport& report) {
  std::vector<std::string> places;
  for (const Operation& operation : operations) {
    if (std::find(places.begin(), places.end(), operation.netns) == places.end()) {
      places.push_back(operation.netns);
    }
  }
  for (const std::string& place : places) {
    std::vector<Operation> here;
    std::copy_if(operations.begin(), operations.end(), std::back_inserter(here),
                 [&](const Operation& operation) { return operation.netns == place; });
    WhySection section{str(what, ", ", typed_in(place)), {}, items_of(here, live, place)};
    if (!place.empty()) section.hosts.push_back(place);
    report.sections.push_back(std::move(section));
  }
}

/// What a rule is for, as far as its own comments do not say.
std::string rule_reason(const std::string& who, const std::string& chain, const Rule& rule) {
  if (const auto* jump = std::get_if<Jump>(&rule.target)) {
    return str(who, ": packets in ", chain, " go through ", jump->chain);
  }
  if (std::holds_alternative<Masquerade>(rule.target)) {
    return str(who, ": the source becomes this node's address");
  }
  if (std::holds_alternative<Drop>(rule.target)) return who + ": what comes here is dropped";
  if (std::holds_alternative<SetMark>(rule.target)) {
    return who + ": a mark for rules that come later";
  }
  if (std::holds_alternative<Accept>(rule.target)) return who + ": what comes here may pass";
  return str(who, ": part of ", chain);
}

WhySection rules_section(const std::string& title, const std::string& who, const std::string& owner,
                         const Ruleset& rules, const nft::ObservedRuleset& live,
                         const std::string& host) {
  WhySection section{title + ", " + typed_in(host), {host}, {}};
  for (const Table& table : rules.tables) {
    if (table.name != "nat" && table.name != "filter") continue;
    for (const Chain& chain : table.chains) {
      if (chain.base) continue;
      section.items.push_back({str("iptables -t ", table.name, " -N ", chain.name),
                               str(who, ": a chain of its own"),
                               presence_of(live, owner, table.name, chain.name, std::nullopt)});
    }
    for (const Chain& chain : table.chains) {
      for (const Rule& rule : chain.rules) {
        section.items.push_back(rule_item(live, owner, table.name, chain.name, rule,
                                          rule_reason(who, chain.name, rule)));
      }
    }
  }
  return section;
}

/// calico-node's rules, in the form for kernels with ipset or without, whichever is here.
WhySection felix_section(const NodeView& view, const nft::ObservedRuleset& live) {
  plan::FelixRulesInput input;
  for (const plan::PoolView& pool : view.objects.pool_views()) {
    input.pools.push_back({pool.addresses.cidr, pool.nat_outgoing});
  }
  input.tunnel = encapsulates(view.objects) ? tunnel : "";
  std::vector<WhySection> forms;
  for (const bool sets : {true, false}) {
    input.use_sets = sets;
    forms.push_back(rules_section("outgoing NAT and forwarding of pods", "calico-node",
                                  std::string(plan::felix_owner), plan::felix_rules(input), live,
                                  view.host.name));
  }
  const auto missing = [](const WhySection& section) {
    return std::count_if(section.items.begin(), section.items.end(),
                         [](const WhyItem& item) { return !item.presence.present; });
  };
  return missing(forms[0]) <= missing(forms[1]) ? forms[0] : forms[1];
}

void add_rules(const RunningCluster& cluster, const NodeView& view,
               const nft::ObservedRuleset& live, WhyReport& report) {
  report.sections.push_back(felix_section(view, live));
  plan::ProxyConfig proxy;
  proxy.node = view.host.name;
  proxy.node_ip = view.host.address();
  proxy.cluster_cidr = cluster.config.pod_network;
  report.sections.push_back(rules_section("the frame of service NAT", "kube-proxy", "kube-proxy",
                                          plan::base_rules(proxy), live, view.host.name));
}

const char* who_carries(const Link& link) {
  if (link.kind == LinkKind::ipip) return "the kernel's own tunnel";
  if (link.kind == LinkKind::veth && !link.arp) {
    return "carried by eBPF programs in the kernel (tc filter show dev tunl0-peer ingress)";
  }
  return "carried by the process hoplab tunnel";
}

void add_facts(const NodeView& view, WhyReport& report) {
  report.facts.emplace_back("role", std::string(plan::to_string(view.host.role)));
  for (const auto& interface : view.host.interfaces) {
    report.facts.emplace_back(interface.name,
                              str(to_string(interface.address), " on ", interface.segment));
  }
  if (view.node == nullptr) return;
  for (const auto& block : view.objects.block_owners()) {
    if (block.node == view.host.name) {
      report.facts.emplace_back("IPAM block", to_string(block.cidr));
    }
  }
  if (const Link* link = view.state.link(tunnel)) {
    report.facts.emplace_back(tunnel, str(to_string(link->kind), ": ", who_carries(*link)));
  }
  for (const Json& pod : view.objects.pods) {
    const Json& spec = member(pod, "spec");
    if (string_or(spec, "nodeName") != view.host.name || bool_or(spec, "hostNetwork")) continue;
    report.facts.emplace_back("pod", str(api::key_of(pod), "; hoplab why pod ", api::name_of(pod),
                                         " -n ", api::namespace_of(pod)));
  }
}

}  // namespace

Result<WhyReport> why_node(const WhyRequest& request, const RunningCluster& cluster,
                           const WhyObjects& objects, WhyKernels& kernels) {
  const plan::HostConfig& host = *cluster.config.find_host(request.name);
  const std::string ipv6 = "net/ipv6/conf/default/disable_ipv6";
  HOP_TRY(const LiveNetwork before, kernels.observe(host.name, {ipv6}));
  const NodeView view{host, objects, before.state, WhyObjects::find(objects.nodes, "", host.name),
                      before.sysctls.at(ipv6).has_value()};
  WhyReport report{"node", host.name, {}, {}};
  add_facts(view, report);
  std::vector<Operation> pods;
  if (view.node != nullptr) pods = pod_network_operations(view);
  const std::vector<Operation> underlay = underlay_operations(cluster, view, pods);
  LiveNetworks live;
  HOP_TRY(live[""], kernels.observe("", sysctl_keys(underlay, "")));
  std::vector<std::string> keys = sysctl_keys(underlay, host.name);
  for (std::string& key : sysctl_keys(pods, host.name)) keys.push_back(std::move(key));
  HOP_TRY(live[host.name], kernels.observe(host.name, keys));
  add_sections("cables and addresses", underlay, live, report);
  if (view.node == nullptr) return report;
  add_sections("the way to the pods of other nodes", pods, live, report);
  HOP_TRY(const nft::ObservedRuleset rules, kernels.observe_rules(host.name));
  add_rules(cluster, view, rules, report);
  return report;
}

}  // namespace hoplab::cmd
