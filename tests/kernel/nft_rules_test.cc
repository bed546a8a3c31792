#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>

#include "runtime/base/text.h"
#include "runtime/nft/firewall.h"
#include "runtime/nft/render_text.h"
#include "runtime/nft/sample_rules.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab::nft {
namespace {

using testing::HasSubstr;
using testing::Not;

const RuleOwner proxy{"kube-proxy", {"KUBE-SVC-", "KUBE-SEP-"}};

/// Output of a command (stderr too) run by a child of this thread, so in the test's namespace.
std::string output_of(const std::string& command) {
  std::string text;
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"), ::pclose);
  std::array<char, 4096> buffer;
  while (size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    text.append(buffer.data(), got);
  }
  return text;
}

/// iptables-save of one table without the comment lines that carry the time of day.
std::string saved(const std::string& table) {
  std::string text;
  const std::string output = output_of("iptables-save -t " + table);
  for (std::string_view line : split(output, '\n')) {
    if (line.empty() || line.starts_with("# Generated") || line.starts_with("# Completed"))
      continue;
    text += std::string(line) + "\n";
  }
  return text;
}

class NftRules : public test::SandboxNetns {
 protected:
  void SetUp() override {
    SandboxNetns::SetUp();
    if (IsSkipped()) return;
    if (output_of("iptables-save --version").find("nf_tables") == std::string::npos) {
      GTEST_SKIP() << "iptables (nf_tables) is not installed: apt-get install iptables";
    }
    firewall_.emplace(must(Firewall::open(proxy)));
  }

  template <typename T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result) << result.error().message();
    if (!result) std::abort();
    return *std::move(result);
  }
  Firewall& firewall() { return *firewall_; }

 private:
  std::optional<Firewall> firewall_;
};

std::string service_chain(int service) {
  return str("KUBE-SVC-", service);
}
std::string endpoint_chain(int service, int endpoint, int version = 0) {
  return str("KUBE-SEP-", service, "-", endpoint, version == 0 ? "" : str("-v", version));
}

Rule portal_of(int service) {
  Rule portal = sample({CommentMatch{str("default/s", service, " cluster IP")},
                        PortMatch{{}, PortTest{PortRange::one(80), false}}},
                       Jump{service_chain(service)}, protocol::tcp);
  const Ipv4 vip = Ipv4(10, 96, 0, 0) + static_cast<uint32_t>(service);
  portal.destination = AddressMatch{Prefix::host(vip), false};
  return portal;
}

void add_service(Ruleset& rules, int s, bool changed) {
  rules.chain("nat", "KUBE-SERVICES").rules.push_back(portal_of(s));
  for (int e = 0; e < 3; ++e) {
    const std::string name = endpoint_chain(s, e, changed && e == 0 ? 1 : 0);
    Rule pick = sample({CommentMatch{str("default/s", s)}}, Jump{name});
    if (e < 2) pick.matches.push_back(RandomMatch::one_in(3U - static_cast<unsigned>(e)));
    rules.chain("nat", service_chain(s)).rules.push_back(pick);
    const Ipv4 ip = Ipv4(172, 16, 0, 0) + static_cast<uint32_t>(s * 3 + e);
    rules.chain("nat", name)
        .rules.push_back(sample({CommentMatch{str("default/s", s)}, PortMatch{}}, Dnat{ip, 8080},
                                protocol::tcp));
  }
}

/// Services of three endpoints shaped as kube-proxy's; `changed` gets another first endpoint.
Ruleset services(int count, int changed = -1) {
  Ruleset rules;
  Rule jump = sample({CommentMatch{"kubernetes service portals"}}, Jump{"KUBE-SERVICES"});
  jump.placement = Placement::top;
  rules.chain("nat", "PREROUTING").rules = {jump};
  rules.chain("nat", "OUTPUT").rules = {jump};
  rules.chain("nat", "KUBE-SERVICES");
  for (int s = 0; s < count; ++s) add_service(rules, s, s == changed);
  return rules;
}

struct Seen {
  uint64_t handle, packets, bytes;
  bool operator==(const Seen&) const = default;
};

/// Every rule by what it is, with what must not change.
std::map<std::string, Seen> rules_by_identity(const ObservedRuleset& observed) {
  std::map<std::string, Seen> out;
  for (const auto& [table, content] : observed) {
    for (const auto& [name, chain] : content.chains) {
      for (const ObservedRule& rule : chain.rules) {
        out[str(table, " ", name, " ", rule.owner, " ", rule.hash, rule.shape)] = {
            rule.handle, rule.packets, rule.bytes};
      }
    }
  }
  return out;
}

TEST_F(NftRules, IptablesSavePrintsEverySampleAsWeDo) {
  Ruleset rules;
  for (const SampleRule& sample : sample_rules()) {
    rules.chain(sample.table, "Y");
    rules.chain(sample.table, sample.chain).rules.push_back(sample.rule);
  }
  const ApplyReport report = must(firewall().sync(rules));
  EXPECT_EQ(report.batches, 1U);
  for (const Table& table : rules.tables) EXPECT_EQ(saved(table.name), table_text(table));
  EXPECT_THAT(output_of("iptables-save"), Not(HasSubstr("arning")));
  EXPECT_THAT(output_of("iptables -t nat -L -v -n"), Not(HasSubstr("incompatible")));
  EXPECT_TRUE(must(firewall().sync(rules)).changes.empty());
}

TEST_F(NftRules, IptablesMakesTheSameRulesFromOurCommands) {
  for (const SampleRule& sample : sample_rules()) {
    for (const std::string chain : {"X", "Y"}) {
      output_of(str("iptables -t ", sample.table, " -N ", chain));
    }
    EXPECT_EQ(output_of(to_command(sample.table, sample.chain, sample.rule)), "");
    EXPECT_THAT(saved(sample.table), HasSubstr(sample.line + "\n"));
    output_of(str("iptables -t ", sample.table, " -F ", sample.chain));
  }
}

TEST_F(NftRules, IptablesFindsOurRulesToDeleteAndWeBringThemBack) {
  const Ruleset rules = services(3);
  must(firewall().sync(rules));
  const std::string before = saved("nat");
  EXPECT_EQ(
      output_of("iptables -t nat -D KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "
                "'default/s1 cluster IP' -m tcp --dport 80 -j KUBE-SVC-1"),
      "");
  EXPECT_EQ(output_of("iptables -t nat -F KUBE-SVC-2"), "");
  EXPECT_EQ(output_of("iptables -t nat -D PREROUTING -m comment --comment "
                      "'kubernetes service portals' -j KUBE-SERVICES"),
            "");
  const ApplyReport report = must(firewall().sync(rules));
  EXPECT_EQ(report.changes.size(), 5U);
  EXPECT_EQ(saved("nat"), before);
}

TEST_F(NftRules, OneChangedEndpointLeavesEveryOtherHandleAndCounterAlone) {
  must(firewall().sync(services(200)));
  output_of("ping -c 1 -W 1 127.0.0.1");  // Counters worth keeping.
  const auto before = rules_by_identity(must(firewall().observe({"nat"})));
  uint64_t packets = 0;
  for (const auto& [identity, seen] : before) packets += seen.packets;
  EXPECT_GT(packets, 0U);
  const Ruleset after_rules = services(200, 77);
  const ApplyReport report = must(firewall().sync(after_rules));
  EXPECT_EQ(report.batches, 1U);
  const auto after = rules_by_identity(must(firewall().observe({"nat"})));
  size_t same = 0;
  for (const auto& [identity, seen] : before) {
    auto found = after.find(identity);
    if (found == after.end()) continue;
    ++same;
    EXPECT_EQ(found->second, seen) << identity;
  }
  // The changed jump and the rule of the endpoint behind it; all others are the same objects.
  EXPECT_EQ(before.size() - same, 2U);
  EXPECT_EQ(after.size(), before.size());
  EXPECT_EQ(saved("nat"), table_text(after_rules.tables[0]));
}

TEST_F(NftRules, AnUpdateOfTwoChainsGivesWhatAWholeSyncWouldGive) {
  must(firewall().sync(services(50)));
  const Ruleset all = services(50, 20);
  Ruleset changed;
  changed.tables.push_back({"nat", {}});
  changed.tables[0].chains = {*all.find("nat", service_chain(20)),
                              *all.find("nat", endpoint_chain(20, 0, 1))};
  const ApplyReport report = must(firewall().update(changed, {{"nat", endpoint_chain(20, 0)}}));
  EXPECT_EQ(report.changes.size(), 6U);  // chain, its rule, jump in, jump out, flush, delete
  EXPECT_TRUE(must(firewall().sync(all)).changes.empty());
}

TEST_F(NftRules, ForeignRulesStay) {
  EXPECT_EQ(output_of("iptables -t nat -A PREROUTING -p tcp --dport 99 -j RETURN"), "");
  must(firewall().sync(services(5)));
  EXPECT_EQ(output_of("iptables -t nat -I KUBE-SERVICES 3 -s 10.1.2.3 -j RETURN"), "");
  EXPECT_EQ(output_of("iptables -t nat -N MINE"), "");
  EXPECT_EQ(output_of("iptables -t nat -A MINE -j KUBE-SVC-4"), "");
  const ApplyReport report = must(firewall().sync(services(3)));
  EXPECT_EQ(report.kept_chains, (std::vector<std::string>{"nat KUBE-SVC-4"}));
  const std::string text = saved("nat");
  EXPECT_THAT(text, HasSubstr("-A PREROUTING -p tcp -m tcp --dport 99 -j RETURN\n"));
  EXPECT_THAT(text, HasSubstr("-A KUBE-SERVICES -s 10.1.2.3/32 -j RETURN\n"));
  EXPECT_THAT(text, HasSubstr("-A MINE -j KUBE-SVC-4\n"));
  EXPECT_THAT(text, Not(HasSubstr("KUBE-SVC-3")));
  Ruleset nothing;
  nothing.tables.push_back(iptables_table("nat"));
  EXPECT_EQ(output_of("iptables -t nat -F MINE"), "");
  must(firewall().sync(nothing));
  EXPECT_THAT(saved("nat"), Not(HasSubstr("KUBE-SVC")));
  EXPECT_THAT(saved("nat"), HasSubstr("--dport 99"));
}

TEST_F(NftRules, ARestoredRulesetIsTakenOverWithoutDuplicates) {
  const Ruleset rules = services(4);
  must(firewall().sync(rules));
  const std::string before = saved("nat");
  EXPECT_EQ(output_of("iptables-save > /run/saved && iptables-restore < /run/saved"), "");
  must(firewall().sync(rules));
  EXPECT_EQ(saved("nat"), before);
  EXPECT_TRUE(must(firewall().sync(rules)).changes.empty());
}

TEST_F(NftRules, ABatchTooLargeForTheSocketIsSplit) {
  firewall().socket().limit_room(8192);
  const Ruleset many = services(60);
  const ApplyReport report = must(firewall().sync(many));
  EXPECT_GT(report.batches, 5U);
  EXPECT_EQ(saved("nat"), table_text(many.tables[0]));
  EXPECT_GT(must(firewall().sync(services(2))).batches, 1U);
  EXPECT_EQ(saved("nat"), table_text(services(2).tables[0]));
}

TEST_F(NftRules, ARefusedRuleIsNamedAndNothingIsHalfApplied) {
  Ruleset rules = services(2);
  rules.chain("nat", "KUBE-SVC-1").rules.push_back(sample({}, Jump{"NO-SUCH-CHAIN"}));
  auto report = firewall().sync(rules);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message(),
              HasSubstr("iptables -t nat -A KUBE-SVC-1 -j NO-SUCH-CHAIN"));
  EXPECT_THAT(report.error().message(), HasSubstr("ENOENT"));
  EXPECT_THAT(saved("nat"), Not(HasSubstr("KUBE")));
  Ruleset set;
  set.chain("filter", "FORWARD").rules = {
      sample({SetMatch{"no-such-set", {SetDirection::source}, false}}, Drop{})};
  auto missing = firewall().sync(set);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("no-such-set"));
}

TEST_F(NftRules, OpensInAnotherNamespace) {
  Fd other = make_host();
  Firewall there = must(Firewall::open_in(other.get(), proxy));
  must(there.sync(services(1)));
  EXPECT_THAT(saved("nat"), Not(HasSubstr("KUBE")));
  EXPECT_FALSE(must(there.observe({"nat"})).empty());
}

}  // namespace
}  // namespace hoplab::nft
