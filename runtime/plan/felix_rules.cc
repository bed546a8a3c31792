#include "runtime/plan/felix_rules.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

Rule jump_to(std::string chain) {
  Rule rule;
  rule.target = Jump{std::move(chain)};
  return rule;
}

/// Appends rules to a chain, each with its hash as the first comment.
void append(Ruleset& ruleset, std::string_view table, std::string_view chain,
            std::vector<Rule> rules, Placement placement = Placement::bottom) {
  const bool base = builtin_chain(table, chain).has_value();
  const bool tail = base && placement == Placement::bottom;
  const auto hashes = felix_rule_hashes(tail ? str(chain, "*appends*") : std::string(chain), rules);
  Chain& into = ruleset.chain(table, chain);
  for (size_t i = 0; i < rules.size(); ++i) {
    rules[i].placement = placement;
    rules[i].matches.insert(rules[i].matches.begin(), CommentMatch{"cali:" + hashes[i]});
    into.rules.push_back(std::move(rules[i]));
  }
}

Rule marked(uint32_t mark, bool set, Target target) {
  Rule rule;
  rule.matches.push_back(MarkMatch{set ? mark : 0, mark});
  rule.target = std::move(target);
  return rule;
}

void add_forward(Ruleset& ruleset) {
  using namespace felix_mark;
  append(ruleset, "filter", "FORWARD", {jump_to("cali-FORWARD")}, Placement::first);
  Rule clear;
  clear.target = SetMark{0, pass | scratch0 | scratch1};
  Rule from_pods = jump_to("cali-from-wl-dispatch");
  from_pods.in = InterfaceMatch{"cali+", false};
  Rule to_pods = jump_to("cali-to-wl-dispatch");
  to_pods.out = InterfaceMatch{"cali+", false};
  append(ruleset, "filter", "cali-FORWARD",
         {clear, marked(accept, false, Jump{"cali-from-hep-forward"}), from_pods, to_pods,
          jump_to("cali-to-hep-forward"), jump_to("cali-cidr-block")});
  for (const char* empty : {"cali-from-hep-forward", "cali-from-wl-dispatch", "cali-to-wl-dispatch",
                            "cali-to-hep-forward", "cali-cidr-block"}) {
    ruleset.chain("filter", empty);
  }
  Rule accepted = marked(accept, true, Accept{});
  accepted.matches.insert(accepted.matches.begin(),
                          CommentMatch{"Policy explicitly accepted packet."});
  Rule mark_accepted;
  mark_accepted.target = SetMark{accept, accept};
  append(ruleset, "filter", "FORWARD", {accepted, mark_accepted});
}

constexpr const char* all_pools = "cali40all-ipam-pools";
constexpr const char* masq_pools = "cali40masq-ipam-pools";

Rule outgoing_rule_with_sets() {
  Rule rule;
  rule.matches = {SetMatch{masq_pools, {SetDirection::source}, false},
                  SetMatch{all_pools, {SetDirection::destination}, true}};
  rule.target = Masquerade{true};
  return rule;
}

/// "Outside" is outside all pools. Felix says both with sets; with one pool one rule says it too,
/// with more the pools' addresses are sent back first.
std::vector<Rule> outgoing_rules(const std::vector<NatPool>& pools, bool use_sets) {
  std::vector<Rule> out;
  const bool any = std::any_of(pools.begin(), pools.end(),
                               [](const NatPool& pool) { return pool.nat_outgoing; });
  if (!any) return out;
  if (use_sets) return {outgoing_rule_with_sets()};
  for (const NatPool& pool : pools) {
    if (pools.size() == 1) break;
    Rule inside;
    inside.destination = AddressMatch{pool.cidr, false};
    inside.target = Return{};
    out.push_back(inside);
  }
  for (const NatPool& pool : pools) {
    if (!pool.nat_outgoing) continue;
    Rule rule;
    rule.source = AddressMatch{pool.cidr, false};
    if (pools.size() == 1) rule.destination = AddressMatch{pool.cidr, true};
    rule.target = Masquerade{true};
    out.push_back(rule);
  }
  return out;
}

void add_nat(Ruleset& ruleset, const FelixRulesInput& input) {
  append(ruleset, "nat", "PREROUTING", {jump_to("cali-PREROUTING")}, Placement::first);
  append(ruleset, "nat", "OUTPUT", {jump_to("cali-OUTPUT")}, Placement::first);
  append(ruleset, "nat", "POSTROUTING", {jump_to("cali-POSTROUTING")}, Placement::first);
  append(ruleset, "nat", "cali-PREROUTING", {jump_to("cali-fip-dnat")});
  append(ruleset, "nat", "cali-OUTPUT", {jump_to("cali-fip-dnat")});
  std::vector<Rule> leaving{jump_to("cali-fip-snat"), jump_to("cali-nat-outgoing")};
  if (!input.tunnel.empty()) {
    // A packet of the node's own that a service rule sent to another node's pod carries the wrong
    // source: the one that was right for the service's address.
    Rule source;
    source.out = InterfaceMatch{input.tunnel, false};
    source.matches = {LocalAddressMatch{true, true, true}, LocalAddressMatch{true, false, false}};
    source.target = Masquerade{true};
    leaving.push_back(source);
  }
  append(ruleset, "nat", "cali-POSTROUTING", leaving);
  ruleset.chain("nat", "cali-fip-dnat");
  ruleset.chain("nat", "cali-fip-snat");
  ruleset.chain("nat", "cali-nat-outgoing");
  std::vector<NatPool> pools = input.pools;
  std::sort(pools.begin(), pools.end(),
            [](const NatPool& a, const NatPool& b) { return a.cidr < b.cidr; });
  append(ruleset, "nat", "cali-nat-outgoing", outgoing_rules(pools, input.use_sets));
}

}  // namespace

Ruleset felix_rules(const FelixRulesInput& input) {
  Ruleset out;
  add_nat(out, input);
  add_forward(out);
  return out;
}

std::vector<IpSet> felix_sets(const FelixRulesInput& input) {
  if (!input.use_sets) return {};
  IpSet all;
  all.name = all_pools;
  IpSet masquerade;
  masquerade.name = masq_pools;
  for (const NatPool& pool : input.pools) {
    all.members.push_back(pool.cidr);
    if (pool.nat_outgoing) masquerade.members.push_back(pool.cidr);
  }
  return {all, masquerade};
}

}  // namespace hoplab::plan
