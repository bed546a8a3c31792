#include "runtime/plan/felix_rules.h"

#include <gmock/gmock.h>

namespace hoplab::plan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Prefix cidr(std::string_view text) {
  return Prefix::parse(text).value();
}

std::vector<std::string> ids(const Ruleset& ruleset, std::string_view table,
                             std::string_view chain) {
  std::vector<std::string> out;
  const Chain* found = ruleset.find(table, chain);
  if (found == nullptr) return {"no such chain"};
  for (const Rule& rule : found->rules) {
    out.push_back(std::get<CommentMatch>(rule.matches.at(0)).text);
  }
  return out;
}

Ruleset one_pool() {
  FelixRulesInput input;
  input.pools = {{cidr("172.16.0.0/16"), true}};
  return felix_rules(input);
}

// The ids are those of dumps of real clusters (facts/calico.md 5).
TEST(FelixRules, ForwardHasTheIdsOfARealCluster) {
  const Ruleset rules = one_pool();
  EXPECT_THAT(
      ids(rules, "filter", "FORWARD"),
      ElementsAre("cali:wUHhoiAYhphO9Mso", "cali:S93hcgKJrXEqnTfs", "cali:mp77cMpurHhyjLrM"));
  EXPECT_THAT(
      ids(rules, "filter", "cali-FORWARD"),
      ElementsAre("cali:vjrMJCRpqwy5oRoX", "cali:A_sPAO0mcxbT9mOV", "cali:8ZoYfO5HKXWbB3pk",
                  "cali:jdEuaPBe14V2hutn", "cali:12bc6HljsMKsmfr-", "cali:NOSxoaGx8OIstr1z"));
}

TEST(FelixRules, NatHasTheIdsOfARealCluster) {
  const Ruleset rules = one_pool();
  EXPECT_THAT(ids(rules, "nat", "PREROUTING"), ElementsAre("cali:6gwbT8clXdHdC1b1"));
  EXPECT_THAT(ids(rules, "nat", "cali-PREROUTING"), ElementsAre("cali:r6XmIziWUJsdOK6Z"));
  EXPECT_THAT(ids(rules, "nat", "OUTPUT"), ElementsAre("cali:tVnHkvAo15HuiPy0"));
  EXPECT_THAT(ids(rules, "nat", "cali-OUTPUT"), ElementsAre("cali:GBTAv2p5CwevEyJm"));
  EXPECT_THAT(ids(rules, "nat", "POSTROUTING"), ElementsAre("cali:O3lYWMrLQYEMJtB5"));
  EXPECT_THAT(
      ids(rules, "nat", "cali-POSTROUTING"),
      ElementsAre("cali:Z-c7XtVd2Bq7s_hA", "cali:nYKhEzDlr11Jccal", "cali:SXWvdsbh4Mw7wOln"));
}

TEST(FelixRules, OutgoingNatMatchesSets) {
  const Ruleset rules = one_pool();
  EXPECT_THAT(ids(rules, "nat", "cali-nat-outgoing"), ElementsAre("cali:flqWnvo8yq4ULQLa"));
  Rule without_random = rules.find("nat", "cali-nat-outgoing")->rules[0];
  without_random.matches.erase(without_random.matches.begin());
  without_random.target = Masquerade{false};
  EXPECT_THAT(felix_rule_hashes("cali-nat-outgoing", {without_random}),
              ElementsAre("Dw4T8UWPnCLxRJiI"));
  FelixRulesInput input;
  input.pools = {{cidr("172.16.0.0/16"), true}, {cidr("10.0.0.0/16"), false}};
  const auto sets = felix_sets(input);
  ASSERT_THAT(sets, SizeIs(2));
  EXPECT_EQ(sets[0].name, "cali40all-ipam-pools");
  EXPECT_THAT(sets[0].members, SizeIs(2));
  EXPECT_EQ(sets[1].name, "cali40masq-ipam-pools");
  EXPECT_THAT(sets[1].members, ElementsAre(cidr("172.16.0.0/16")));
  input.use_sets = false;
  EXPECT_THAT(felix_sets(input), IsEmpty());
}

TEST(FelixRules, WithoutSetsOnePoolIsOneRule) {
  FelixRulesInput input;
  input.pools = {{cidr("172.16.0.0/16"), true}};
  input.use_sets = false;
  const Ruleset ruleset = felix_rules(input);
  const auto& rules = ruleset.find("nat", "cali-nat-outgoing")->rules;
  ASSERT_THAT(rules, SizeIs(1));
  EXPECT_EQ(rules[0].source, (AddressMatch{cidr("172.16.0.0/16"), false}));
  EXPECT_EQ(rules[0].destination, (AddressMatch{cidr("172.16.0.0/16"), true}));
}

TEST(FelixRules, WithoutSetsOutsideMeansOutsideAllPools) {
  FelixRulesInput input;
  input.use_sets = false;
  input.pools = {{cidr("172.16.0.0/16"), true}, {cidr("10.0.0.0/16"), false}};
  const Ruleset ruleset = felix_rules(input);
  const auto& rules = ruleset.find("nat", "cali-nat-outgoing")->rules;
  ASSERT_THAT(rules, SizeIs(3));
  EXPECT_EQ(rules[0].destination->prefix, cidr("10.0.0.0/16"));
  EXPECT_EQ(rules[1].destination->prefix, cidr("172.16.0.0/16"));
  EXPECT_EQ(rules[2].source->prefix, cidr("172.16.0.0/16"));
  EXPECT_EQ(rules[2].destination, std::nullopt);
}

TEST(FelixRules, WithoutNatOutgoingNothingIsTranslated) {
  FelixRulesInput input;
  input.pools = {{cidr("172.16.0.0/16"), false}};
  input.tunnel = "";
  const Ruleset ruleset = felix_rules(input);
  EXPECT_THAT(ruleset.find("nat", "cali-nat-outgoing")->rules, IsEmpty());
  EXPECT_THAT(ruleset.find("nat", "cali-POSTROUTING")->rules, SizeIs(2));
}

TEST(FelixRules, EveryJumpHasItsChain) {
  const Ruleset ruleset = one_pool();
  for (const Table& table : ruleset.tables) {
    for (const Chain& chain : table.chains) {
      for (const Rule& rule : chain.rules) {
        if (const auto* jump = std::get_if<Jump>(&rule.target)) {
          EXPECT_NE(ruleset.find(table.name, jump->chain), nullptr) << jump->chain;
        }
      }
    }
  }
}

}  // namespace
}  // namespace hoplab::plan
