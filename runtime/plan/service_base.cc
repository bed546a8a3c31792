#include "runtime/plan/services.h"

namespace hoplab::plan {

namespace {

constexpr uint32_t masquerade_mark = 0x4000;
constexpr uint32_t drop_mark = 0x8000;

Rule make(std::vector<Match> matches, Target target) {
  Rule rule;
  rule.matches = std::move(matches);
  rule.target = std::move(target);
  return rule;
}

/// A jump from a built-in chain; kube-proxy puts its jumps in front of what is there.
Rule entry(const std::string& chain, const char* comment, bool only_new = false) {
  std::vector<Match> matches;
  if (only_new) matches.emplace_back(StateMatch{conntrack_state::new_, false});
  if (*comment != '\0') matches.emplace_back(CommentMatch{comment});
  Rule rule = make(std::move(matches), Jump{chain});
  rule.placement = Placement::top;
  return rule;
}

void add_nat_base(const ProxyConfig& config, Ruleset& rules) {
  constexpr const char* portals = "kubernetes service portals";
  rules.chain("nat", "PREROUTING").rules = {entry("KUBE-SERVICES", portals)};
  rules.chain("nat", "OUTPUT").rules = {entry("KUBE-SERVICES", portals)};
  rules.chain("nat", "POSTROUTING").rules = {
      entry("KUBE-POSTROUTING", "kubernetes postrouting rules")};
  rules.chain("nat", "KUBE-MARK-MASQ").rules = {
      make({}, SetMark{masquerade_mark, masquerade_mark})};
  rules.chain("nat", "KUBE-MARK-DROP").rules = {make({}, SetMark{drop_mark, drop_mark})};
  rules.chain("nat", "KUBE-POSTROUTING").rules = {
      make({MarkMatch{masquerade_mark, masquerade_mark, true}}, Return{}),
      // XOR: the mark goes off, so that a packet that comes by again is not translated twice.
      make({}, SetMark{masquerade_mark, 0}),
      make({CommentMatch{"kubernetes service traffic requiring SNAT"}},
           Masquerade{config.random_fully})};
}

void add_filter_jumps(Ruleset& rules) {
  constexpr const char* portals = "kubernetes service portals";
  constexpr const char* external = "kubernetes externally-visible service portals";
  rules.chain("filter", "INPUT").rules = {
      entry("KUBE-NODEPORTS", "kubernetes health check service ports"),
      entry("KUBE-EXTERNAL-SERVICES", external, true), entry("KUBE-FIREWALL", "")};
  rules.chain("filter", "FORWARD").rules = {entry("KUBE-FORWARD", "kubernetes forwarding rules"),
                                            entry("KUBE-SERVICES", portals, true),
                                            entry("KUBE-EXTERNAL-SERVICES", external, true)};
  rules.chain("filter", "OUTPUT").rules = {entry("KUBE-SERVICES", portals, true),
                                           entry("KUBE-FIREWALL", "")};
}

void add_filter_base(Ruleset& rules) {
  using namespace conntrack_state;  // NOLINT: the states of one table of rules
  add_filter_jumps(rules);
  Rule localnet = make({CommentMatch{"block incoming localnet connections"},
                        StateMatch{related | established | dnat, true}},
                       Drop{});
  const Prefix loopback(Ipv4(127, 0, 0, 0), 8);
  localnet.source = AddressMatch{loopback, true};
  localnet.destination = AddressMatch{loopback, false};
  rules.chain("filter", "KUBE-FIREWALL").rules = {
      make({CommentMatch{"kubernetes firewall for dropping marked packets"},
            MarkMatch{drop_mark, drop_mark, false}},
           Drop{}),
      localnet};
  const StateMatch replies{related | established, false};
  rules.chain("filter", "KUBE-FORWARD").rules = {
      make({StateMatch{conntrack_state::invalid, false}}, Drop{}),
      make({CommentMatch{"kubernetes forwarding rules"},
            MarkMatch{masquerade_mark, masquerade_mark, false}},
           Accept{}),
      make({CommentMatch{"kubernetes forwarding conntrack pod source rule"}, replies}, Accept{}),
      make({CommentMatch{"kubernetes forwarding conntrack pod destination rule"}, replies},
           Accept{})};
  for (const char* chain : {"KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS"}) {
    rules.chain("filter", chain);
  }
}

}  // namespace

Ruleset base_rules(const ProxyConfig& config) {
  Ruleset rules;
  add_nat_base(config, rules);
  add_filter_base(rules);
  for (const char* table : {"mangle", "nat", "filter"}) {
    // Empty chains: whoever flushes a table takes them along, and the owner notices.
    rules.chain(table, "KUBE-PROXY-CANARY");
    rules.chain(table, "KUBE-KUBELET-CANARY");
  }
  rules.chain("nat", "KUBE-SERVICES");
  rules.chain("nat", "KUBE-NODEPORTS");
  return rules;
}

}  // namespace hoplab::plan
