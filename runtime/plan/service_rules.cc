#include <algorithm>

#include "runtime/plan/services.h"

namespace hoplab::plan {

namespace {

// Chains that all services share, and where each service's part of them is kept.
struct Shared {
  const char* table;
  const char* chain;
  std::vector<Rule> PortRules::*part;
};
const Shared shared_chains[] = {
    // NOLINT: a table
    {"nat", "KUBE-SERVICES", &PortRules::nat_services},
    {"nat", "KUBE-NODEPORTS", &PortRules::nat_node_ports},
    {"filter", "KUBE-SERVICES", &PortRules::filter_services},
    {"filter", "KUBE-EXTERNAL-SERVICES", &PortRules::filter_external_services},
    {"filter", "KUBE-NODEPORTS", &PortRules::filter_node_ports},
};

Rule node_port_entry() {
  Rule rule;
  rule.matches = {CommentMatch{"kubernetes service nodeports; NOTE: this must be the last rule in "
                               "this chain"},
                  LocalAddressMatch{}};
  rule.target = Jump{"KUBE-NODEPORTS"};
  return rule;
}

std::vector<Chain>& chains_of(Ruleset& rules, const std::string& table) {
  for (Table& candidate : rules.tables) {
    if (candidate.name == table) return candidate.chains;
  }
  return rules.tables.emplace_back(Table{table, {}}).chains;
}

const Chain* find_chain(const PortRules& rules, const std::string& name) {
  for (const Chain& chain : rules.nat_chains) {
    if (chain.name == name) return &chain;
  }
  return nullptr;
}

}  // namespace

void ServiceRules::set(const std::string& namespace_name, const std::string& name,
                       std::vector<ServicePort> ports) {
  std::map<ServicePortName, ServicePort*> wanted;
  for (ServicePort& port : ports) wanted.emplace(port.name, &port);
  std::vector<ServicePortName> gone;
  for (auto it = ports_.lower_bound({namespace_name, name, ""}); it != ports_.end(); ++it) {
    if (it->first.namespace_name != namespace_name || it->first.name != name) break;
    if (!wanted.contains(it->first)) gone.push_back(it->first);
  }
  for (const ServicePortName& key : gone) replace(key, nullptr);
  for (const auto& [key, port] : wanted) replace(key, port);
}

void ServiceRules::replace(const ServicePortName& name, const ServicePort* now) {
  const bool had_comments = with_comments();
  const auto known = ports_.find(name);
  if (known != ports_.end()) {
    if (now != nullptr && known->second == *now) return;
    endpoints_ -= known->second.endpoints.size();
  }
  if (now != nullptr) endpoints_ += now->endpoints.size();
  if (now == nullptr) {
    ports_.erase(name);
  } else {
    ports_[name] = *now;
  }
  if (had_comments != with_comments()) {
    // The comments of every service come or go.
    everything_ = true;
    for (const auto& [key, port] : ports_) {
      rules_[key] = rules_for_port(config_, port, with_comments());
    }
    if (now == nullptr) rules_.erase(name);
    return;
  }
  PortRules rules = now == nullptr ? PortRules{} : rules_for_port(config_, *now, with_comments());
  note_difference(rules_[name], rules);
  if (now == nullptr) {
    rules_.erase(name);
  } else {
    rules_[name] = std::move(rules);
  }
}

void ServiceRules::note_difference(const PortRules& before, const PortRules& now) {
  if (everything_) return;
  for (const Shared& shared : shared_chains) {
    if (before.*shared.part != now.*shared.part) shared_.insert({shared.table, shared.chain});
  }
  for (const Chain& chain : before.nat_chains) {
    if (find_chain(now, chain.name) != nullptr) continue;
    removed_.insert(chain.name);
    changed_.erase(chain.name);
  }
  for (const Chain& chain : now.nat_chains) {
    const Chain* old = find_chain(before, chain.name);
    if (old != nullptr && *old == chain) continue;
    changed_[chain.name] = chain;
    removed_.erase(chain.name);
  }
}

Chain ServiceRules::shared_chain(const ChainKey& key) const {
  Chain out{key.second, {}, {}};
  for (const Shared& shared : shared_chains) {
    if (key != ChainKey(shared.table, shared.chain)) continue;
    for (const auto& [name, rules] : rules_) {
      const std::vector<Rule>& part = rules.*shared.part;
      out.rules.insert(out.rules.end(), part.begin(), part.end());
    }
  }
  if (key == ChainKey("nat", "KUBE-SERVICES")) out.rules.push_back(node_port_entry());
  return out;
}

ServiceRules::Changes ServiceRules::take_changes() {
  Changes out;
  out.everything = everything_;
  if (!everything_) {
    for (const ChainKey& key : shared_) {
      chains_of(out.changed, key.first).push_back(shared_chain(key));
    }
    for (auto& [name, chain] : changed_) chains_of(out.changed, "nat").push_back(std::move(chain));
    for (const std::string& name : removed_) out.removed.emplace_back("nat", name);
  }
  everything_ = false;
  shared_.clear();
  changed_.clear();
  removed_.clear();
  return out;
}

Ruleset ServiceRules::rules() const {
  Ruleset out = base_rules(config_);
  for (const Shared& shared : shared_chains) {
    out.chain(shared.table, shared.chain) = shared_chain({shared.table, shared.chain});
  }
  std::vector<Chain>& nat = chains_of(out, "nat");
  for (const auto& [name, rules] : rules_) {
    nat.insert(nat.end(), rules.nat_chains.begin(), rules.nat_chains.end());
  }
  return out;
}

}  // namespace hoplab::plan
