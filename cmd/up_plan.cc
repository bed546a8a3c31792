#include "cmd/up_plan.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include "cmd/sandbox_hosts.h"
#include "runtime/base/text.h"
#include "runtime/nft/render_text.h"
#include "runtime/plan/felix_rules.h"
#include "runtime/plan/node_network.h"
#include "runtime/plan/services.h"
#include "runtime/plan/underlay.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::cmd {

namespace {

void print(std::ostream& out, const Operation& operation) {
  out << "# " << operation.reason << "\n" << to_command(operation) << "\n";
}

/// The chains first: a rule may jump to a chain that comes later.
void print(std::ostream& out, const std::string& node, const Ruleset& rules,
           const std::string& who) {
  const std::string inside = "ip netns exec " + node + " ";
  for (const Table& table : rules.tables) {
    out << "# " << who << "'s chains in table " << table.name << "\n";
    for (const Chain& chain : table.chains) {
      if (!chain.base)
        out << inside << "iptables -t " << table.name << " -N " << chain.name << "\n";
    }
    for (const Chain& chain : table.chains) {
      if (chain.rules.empty()) continue;
      out << "# " << who << ": chain " << chain.name << "\n";
      for (const Rule& rule : chain.rules) {
        out << inside << nft::to_command(table.name, chain.name, rule) << "\n";
      }
    }
  }
}

/// tunl0 comes from the kernel's module, or from a process that then stays.
void print_tunnel(std::ostream& out, const std::string& node, const tunnel::Choice& choice) {
  out << "# " << choice.message << "\n";
  if (choice.variant == tunnel::Variant::kernel) {
    out << "ip -n " << node << " link set tunl0 up\n";
    return;
  }
  out << "ip netns exec " << node << " hoplab tunnel --variant " << to_string(choice.variant)
      << " --stats /run/" << node << ".tunnel &\n"
      << "until ip -n " << node << " link show tunl0 >/dev/null 2>&1; do sleep 0.1; done\n";
}

}  // namespace

void print_namespaces(std::ostream& out, const plan::ClusterConfig& config) {
  for (const auto& host : config.hosts) {
    out << "# host " << host.name << ": a network namespace of its own\n"
        << "ip netns add " << host.name << "\n";
  }
}

void print_underlay(std::ostream& out, const plan::ClusterConfig& config) {
  for (const auto& operation : plan::plan_underlay(config, underlay_facts())) {
    print(out, operation);
  }
}

void print_node_plan(std::ostream& out, const plan::ClusterConfig& config) {
  if (config.control_plane() == nullptr) return;
  const auto choice = tunnel::choose(tunnel::probe(), tunnel::parse_variant(config.tunnel));
  plan::NodeTunnel facts;
  facts.neighbors = tunnel::needs_neighbors(choice.variant);
  for (const plan::NodeNetworkPlan& node : plan::plan_node_networks(config, facts)) {
    out << "\n# node " << node.name << ": its agent claims block " << to_string(node.block)
        << " and gives " << to_string(node.tunnel_address) << " of it to tunl0\n";
    print_tunnel(out, node.name, choice);
    for (const Operation& operation : node.operations) print(out, operation);
    plan::FelixRulesInput felix;
    felix.pools = {{config.pod_network, true}};
    // With ipset the kernel compares with a set instead of with one network after the other.
    felix.use_sets = false;
    print(out, node.name, plan::felix_rules(felix), "calico-node");
    plan::ProxyConfig proxy;
    proxy.node = node.name;
    proxy.node_ip = node.address;
    proxy.cluster_cidr = config.pod_network;
    print(out, node.name, plan::base_rules(proxy), "kube-proxy");
  }
}

}  // namespace hoplab::cmd
