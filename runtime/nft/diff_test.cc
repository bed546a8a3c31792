#include "runtime/nft/diff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "runtime/base/text.h"
#include "runtime/nft/chain_diff.h"
#include "runtime/nft/identity.h"
#include "runtime/nft/render_text.h"

namespace hoplab::nft {
namespace {

const RuleOwner proxy{"kube-proxy", {"KUBE-SVC-"}};
const RuleOwner calico{"calico-node", {}};

Rule jump_to(const std::string& chain, const std::string& comment = "") {
  Rule rule;
  if (!comment.empty()) rule.matches.push_back(CommentMatch{comment});
  rule.target = Jump{chain};
  return rule;
}

Rule placed(Rule rule, Placement placement) {
  rule.placement = placement;
  return rule;
}

/// Does to values what the kernel does to its tables; refuses what the kernel refuses.
class FakeTables {
 public:
  ObservedRuleset state;
  std::map<uint64_t, std::string> text;  ///< Handle -> rule text.

  void add_foreign(const std::string& chain, size_t position, const std::string& what) {
    auto& rules = state["nat"].chains[chain].rules;
    rules.insert(rules.begin() + static_cast<long>(position),
                 ObservedRule{++handle_, "", 0, "", 0, 0});
    text[handle_] = what;
  }

  void apply(const ChangePlan& plan, const RuleOwner& owner) {
    for (const auto* part : {&plan.build, &plan.rewire, &plan.clean}) {
      for (const Change& change : *part) apply(change, owner);
    }
  }

  std::vector<std::string> lines(const std::string& chain) {
    std::vector<std::string> out;
    for (const ObservedRule& rule : state["nat"].chains[chain].rules)
      out.push_back(text[rule.handle]);
    return out;
  }

 private:
  void apply(const Change& change, const RuleOwner& owner) {
    if (change.kind == ChangeKind::add_table) {
      state[change.table];
      return;
    }
    ASSERT_TRUE(state.contains(change.table));
    auto& chains = state[change.table].chains;
    if (change.kind == ChangeKind::add_chain) {
      chains.try_emplace(change.chain,
                         ObservedChain{change.base.has_value(), change.base ? "" : owner.tag, {}});
      return;
    }
    ASSERT_TRUE(chains.contains(change.chain)) << change.chain;
    auto& rules = chains[change.chain].rules;
    const auto at = std::find_if(rules.begin(), rules.end(), [&](const ObservedRule& rule) {
      return rule.handle == change.handle;
    });
    switch (change.kind) {
      case ChangeKind::add_rule: {
        ASSERT_TRUE(change.handle == 0 || at != rules.end());
        const size_t number = change.handle == 0 ? 0 : static_cast<size_t>(at - rules.begin()) + 1;
        EXPECT_EQ(change.number, number) << to_command(change);
        const std::string spec = rule_spec(*change.rule);
        text[++handle_] = spec;
        rules.insert(at, ObservedRule{handle_, owner.tag, rule_hash(spec), "", 0, 0});
        break;
      }
      case ChangeKind::delete_rule:
        ASSERT_TRUE(at != rules.end());
        rules.erase(at);
        break;
      case ChangeKind::flush_chain:
        rules.clear();
        break;
      default:
        EXPECT_TRUE(rules.empty());
        chains.erase(change.chain);
    }
  }

  uint64_t handle_ = 100;
};

ChangePlan plan_for(const Ruleset& desired, const FakeTables& kernel,
                    const RuleOwner& owner = proxy) {
  auto plan = diff(desired, kernel.state, owner, {owner.tag, {}});
  EXPECT_TRUE(plan) << plan.error().message();
  return plan ? *plan : ChangePlan{};
}

using Lines = std::vector<std::string>;

Ruleset services(const std::vector<std::string>& targets) {
  Ruleset rules;
  rules.chain("nat", "PREROUTING").rules = {placed(jump_to("KUBE-SERVICES"), Placement::top)};
  rules.chain("nat", "KUBE-SERVICES");
  for (const std::string& target : targets) {
    rules.chain("nat", "KUBE-SERVICES").rules.push_back(jump_to(target));
    rules.chain("nat", target).rules.push_back(jump_to("ACCEPT"));
  }
  return rules;
}

TEST(Diff, BuildsWhatNobodyRefersToBeforeItRewires) {
  FakeTables kernel;
  const ChangePlan plan = plan_for(services({"KUBE-SVC-A"}), kernel);
  EXPECT_EQ(plan.build.front().kind, ChangeKind::add_table);
  ASSERT_EQ(plan.rewire.size(), 1U);
  EXPECT_EQ(to_command(plan.rewire[0]), "iptables -t nat -A PREROUTING -j KUBE-SERVICES");
  kernel.apply(plan, proxy);
  EXPECT_TRUE(plan_for(services({"KUBE-SVC-A"}), kernel).empty());
}

TEST(Diff, ChangesOnlyTheRuleThatDiffers) {
  FakeTables kernel;
  kernel.apply(plan_for(services({"KUBE-SVC-A", "KUBE-SVC-B", "KUBE-SVC-C"}), kernel), proxy);
  const ChangePlan plan = plan_for(services({"KUBE-SVC-A", "KUBE-SVC-X", "KUBE-SVC-C"}), kernel);
  ASSERT_EQ(plan.rewire.size(), 2U);
  EXPECT_EQ(to_command(plan.rewire[0]), "iptables -t nat -I KUBE-SERVICES 2 -j KUBE-SVC-X");
  EXPECT_EQ(plan.rewire[1].kind, ChangeKind::delete_rule);
  ASSERT_EQ(plan.clean.size(), 2U);
  EXPECT_EQ(to_command(plan.clean[0]), "iptables -t nat -F KUBE-SVC-B");
  EXPECT_EQ(to_command(plan.clean[1]), "iptables -t nat -X KUBE-SVC-B");
}

TEST(Diff, LeavesForeignRulesWhereTheyAre) {
  FakeTables kernel;
  kernel.state["nat"].chains["PREROUTING"].base = true;
  kernel.add_foreign("PREROUTING", 0, "foreign 1");
  kernel.apply(plan_for(services({"KUBE-SVC-A", "KUBE-SVC-B"}), kernel), proxy);
  kernel.add_foreign("KUBE-SERVICES", 1, "foreign 2");
  EXPECT_EQ(kernel.lines("PREROUTING"), (Lines{" -j KUBE-SERVICES", "foreign 1"}));
  kernel.apply(plan_for(services({"KUBE-SVC-B", "KUBE-SVC-C"}), kernel), proxy);
  EXPECT_EQ(kernel.lines("KUBE-SERVICES"),
            (Lines{"foreign 2", " -j KUBE-SVC-B", " -j KUBE-SVC-C"}));
  Ruleset nothing;
  nothing.tables.push_back(iptables_table("nat"));
  kernel.apply(plan_for(nothing, kernel), proxy);
  EXPECT_EQ(kernel.lines("PREROUTING"), (Lines{"foreign 1"}));
}

TEST(Diff, BringsBackARuleDeletedByHandAtItsPlace) {
  FakeTables kernel;
  const Ruleset desired = services({"KUBE-SVC-A", "KUBE-SVC-B", "KUBE-SVC-C"});
  kernel.apply(plan_for(desired, kernel), proxy);
  auto& rules = kernel.state["nat"].chains["KUBE-SERVICES"].rules;
  rules.erase(rules.begin() + 1);
  const ChangePlan plan = plan_for(desired, kernel);
  ASSERT_EQ(plan.size(), 1U);
  EXPECT_EQ(to_command(plan.rewire[0]), "iptables -t nat -I KUBE-SERVICES 2 -j KUBE-SVC-B");
}

TEST(Diff, ARuleThatComesBackIsAheadOfTheOneThatSomebodyPutInItsPlace) {
  const Ruleset desired = services({"KUBE-SVC-A", "KUBE-SVC-B", "KUBE-SVC-C"});
  for (const size_t edited : {1U, 2U}) {  // iptables -R KUBE-SERVICES 2 …, the last one too.
    FakeTables kernel;
    kernel.apply(plan_for(desired, kernel), proxy);
    auto& rules = kernel.state["nat"].chains["KUBE-SERVICES"].rules;
    rules.erase(rules.begin() + static_cast<long>(edited));
    kernel.add_foreign("KUBE-SERVICES", edited, "edited");
    kernel.apply(plan_for(desired, kernel), proxy);
    Lines expected{" -j KUBE-SVC-A", " -j KUBE-SVC-B", " -j KUBE-SVC-C"};
    expected.insert(expected.begin() + static_cast<long>(edited) + 1, "edited");
    EXPECT_EQ(kernel.lines("KUBE-SERVICES"), expected);
  }
}

TEST(Diff, ForeignRulesInOwnChainsAreNamed) {
  FakeTables kernel;
  const Ruleset desired = services({"KUBE-SVC-A"});
  kernel.apply(plan_for(desired, kernel), proxy);
  EXPECT_TRUE(chains_with_foreign_rules(desired, kernel.state, {}).empty());
  kernel.add_foreign("PREROUTING", 0, "everybody's chain");
  kernel.add_foreign("KUBE-SVC-A", 0, "edited");
  EXPECT_EQ(chains_with_foreign_rules(desired, kernel.state, {}), (Lines{"nat KUBE-SVC-A"}));
  ChangePlan plan;  // A restored copy of our own rule goes away.
  plan.rewire = {{ChangeKind::delete_rule,
                  "nat",
                  "KUBE-SVC-A",
                  {},
                  {},
                  kernel.state["nat"].chains["KUBE-SVC-A"].rules[0].handle,
                  0}};
  EXPECT_TRUE(chains_with_foreign_rules(desired, kernel.state, plan).empty());
}

TEST(Diff, FirstStaysFirstAndTopStaysWhereItIs) {
  Ruleset ours;
  ours.chain("nat", "PREROUTING").rules = {placed(jump_to("cali-PREROUTING"), Placement::first),
                                           placed(jump_to("cali-TAIL"), Placement::bottom)};
  FakeTables kernel;
  kernel.apply(plan_for(ours, kernel, calico), calico);
  kernel.apply(plan_for(services({}), kernel), proxy);
  EXPECT_EQ(kernel.lines("PREROUTING"),
            (Lines{" -j KUBE-SERVICES", " -j cali-PREROUTING", " -j cali-TAIL"}));
  EXPECT_TRUE(plan_for(services({}), kernel).empty());
  kernel.apply(plan_for(ours, kernel, calico), calico);
  const Lines settled{" -j cali-PREROUTING", " -j KUBE-SERVICES", " -j cali-TAIL"};
  EXPECT_EQ(kernel.lines("PREROUTING"), settled);
  kernel.apply(plan_for(services({}), kernel), proxy);
  kernel.apply(plan_for(ours, kernel, calico), calico);
  EXPECT_EQ(kernel.lines("PREROUTING"), settled);
}

TEST(Diff, NewTopRulesKeepTheirOrderAmongEachOther) {
  Ruleset rules;
  rules.chain("nat", "OUTPUT").rules = {placed(jump_to("A"), Placement::top),
                                        placed(jump_to("C"), Placement::top)};
  FakeTables kernel;
  kernel.state["nat"].chains["OUTPUT"].base = true;
  kernel.add_foreign("OUTPUT", 0, "foreign");
  kernel.apply(plan_for(rules, kernel), proxy);
  auto& wanted = rules.chain("nat", "OUTPUT").rules;
  wanted.insert(wanted.begin() + 1, placed(jump_to("B"), Placement::top));
  wanted.push_back(placed(jump_to("D"), Placement::top));
  kernel.apply(plan_for(rules, kernel), proxy);
  EXPECT_EQ(kernel.lines("OUTPUT"), (Lines{" -j A", " -j B", " -j C", " -j D", "foreign"}));
}

TEST(Diff, OwnersDoNotTouchEachOthersChains) {
  FakeTables kernel;
  kernel.apply(plan_for(services({"KUBE-SVC-A"}), kernel), proxy);
  Ruleset ours;
  ours.chain("nat", "cali-PREROUTING");
  kernel.apply(plan_for(ours, kernel, calico), calico);
  EXPECT_TRUE(kernel.state["nat"].chains.contains("KUBE-SVC-A"));
  EXPECT_TRUE(plan_for(services({"KUBE-SVC-A"}), kernel).empty());
}

TEST(Diff, AnyListBecomesAnyOtherAndSettlesThere) {
  std::mt19937 random(7);
  FakeTables kernel;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> targets;
    const size_t count = random() % 12;
    for (size_t i = 0; i < count; ++i) {
      const std::string name = str("KUBE-SVC-", random() % 10);
      targets.push_back(name);
    }
    Ruleset desired;
    desired.chain("nat", "KUBE-SERVICES");
    for (const std::string& target : targets) {
      desired.chain("nat", "KUBE-SERVICES").rules.push_back(jump_to(target));
    }
    const ChangePlan plan = plan_for(desired, kernel);
    kernel.apply(plan, proxy);
    Lines expected;
    for (const std::string& target : targets) expected.push_back(" -j " + target);
    ASSERT_EQ(kernel.lines("KUBE-SERVICES"), expected) << "round " << round;
    ASSERT_TRUE(plan_for(desired, kernel).empty());
  }
}

TEST(Diff, LongestIncreasingSkipsWhatIsMissing) {
  EXPECT_EQ(longest_increasing({5, 1, -1, 2, 0, 3}), (std::vector<size_t>{1, 3, 5}));
  EXPECT_TRUE(longest_increasing({}).empty());
  EXPECT_TRUE(longest_increasing({-1, -1}).empty());
}

}  // namespace
}  // namespace hoplab::nft
