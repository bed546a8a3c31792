#include "runtime/nft/render_text.h"

#include <gtest/gtest.h>

#include "runtime/nft/sample_rules.h"

namespace hoplab::nft {
namespace {

TEST(RenderText, PrintsEveryMatchAndTargetAsIptablesSaveDoes) {
  for (const SampleRule& sample : sample_rules()) {
    EXPECT_EQ(rule_line(sample.chain, sample.rule), sample.line);
  }
}

TEST(RenderText, ProbabilitiesAreQuantisedAsTheKernelStoresThem) {
  const char* expected[] = {"0.50000000000", "0.33333333349", "0.25000000000",
                            "0.20000000019", "0.16666666651", "0.14285714272"};
  for (unsigned n = 2; n <= 7; ++n) {
    Rule rule;
    rule.matches = {RandomMatch::one_in(n)};
    EXPECT_EQ(rule_spec(rule),
              std::string(" -m statistic --mode random --probability ") + expected[n - 2]);
  }
}

TEST(RenderText, QuotesTextOfPeople) {
  Rule rule;
  rule.matches = {CommentMatch{R"(say "hi" \ it's)"}};
  EXPECT_EQ(rule_spec(rule), R"( -m comment --comment "say \"hi\" \\ it\'s")");
  rule.matches = {CommentMatch{"$(rm -rf /)"}};
  EXPECT_EQ(to_command("nat", "X", rule),
            "iptables -t nat -A X -m comment --comment '$(rm -rf /)'");
}

TEST(RenderText, PrintsATableWithBuiltinChainsFirst) {
  Ruleset rules;
  rules.chain("nat", "KUBE-SERVICES").rules.push_back({});
  rules.chain("nat", "KUBE-MARK-MASQ");
  Rule jump;
  jump.target = Jump{"KUBE-SERVICES"};
  rules.chain("nat", "PREROUTING").rules.push_back(jump);
  EXPECT_EQ(ruleset_text(rules),
            "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
            ":POSTROUTING ACCEPT [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-SERVICES - [0:0]\n"
            "-A PREROUTING -j KUBE-SERVICES\n-A KUBE-SERVICES\nCOMMIT\n");
}

}  // namespace
}  // namespace hoplab::nft
