#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cmd/why_presence.h"
#include "cmd/why_report.h"
#include "runtime/nft/identity.h"
#include "runtime/nft/render_batch.h"
#include "runtime/nft/render_text.h"
#include "runtime/plan/pod_network.h"

namespace hoplab::cmd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Ipv4 address(172, 16, 158, 3);

plan::PodNetwork pod() {
  plan::PodNetwork network;
  network.node_netns = "k8s-w1";
  network.pod_netns = "box";
  network.namespace_name = "default";
  network.pod = "web";
  network.ip = address;
  return network;
}

/// The kernels as they are after these operations.
LiveNetworks wired(const std::vector<Operation>& operations) {
  LiveNetworks live;
  live["box"].state.links.push_back({.name = "lo"});
  for (const Operation& operation : operations) {
    LiveNetwork& here = live[operation.netns];
    if (const auto* veth = std::get_if<VethAdd>(&operation.action)) {
      here.state.links.push_back(veth->link);
      live[veth->peer_netns].state.links.push_back(veth->peer);
    } else if (const auto* set = std::get_if<LinkSet>(&operation.action)) {
      for (Link& link : here.state.links) link.up = link.up || link.name == set->name;
    } else if (const auto* add = std::get_if<AddressAdd>(&operation.action)) {
      here.state.addresses.push_back(add->address);
    } else if (const auto* route = std::get_if<RouteReplace>(&operation.action)) {
      here.state.routes.push_back(route->route);
    } else if (const auto* sysctl = std::get_if<SysctlSet>(&operation.action)) {
      here.sysctls[sysctl->key] = sysctl->value;
    }
  }
  return live;
}

std::string missing_of(const std::vector<Operation>& operations, const LiveNetworks& live) {
  std::string out;
  for (const WhyItem& item : items_of(operations, live, "k8s-w1")) {
    if (!item.presence.present) out += item.command + " [" + item.presence.note + "]\n";
  }
  return out;
}

TEST(WhyPresence, EverythingOfAWiredPodIsThere) {
  const auto operations = plan::wire_pod(pod());
  EXPECT_EQ(missing_of(operations, wired(operations)), "");
}

TEST(WhyPresence, SaysWhatIsThereInstead) {
  const auto operations = plan::wire_pod(pod());
  LiveNetworks live = wired(operations);
  const std::string link = plan::host_link_name("default", "web");
  live["k8s-w1"].state.routes[0].link = "other";
  live["k8s-w1"].sysctls["net/ipv4/conf/" + link + "/proxy_arp"] = "0";
  live["box"].state.addresses[0].prefix = Prefix::host(Ipv4(1, 2, 3, 4));
  const std::string missing = missing_of(operations, live);
  EXPECT_THAT(missing, HasSubstr("172.16.158.3 dev other"));
  EXPECT_THAT(missing, HasSubstr("proxy_arp=1 [it is 0]"));
  EXPECT_THAT(missing, HasSubstr("[eth0 has 1.2.3.4/32]"));
  EXPECT_EQ(std::count(missing.begin(), missing.end(), '\n'), 3);
}

TEST(WhyPresence, AMissingNamespaceMissesAll) {
  const auto operations = plan::wire_pod(pod());
  LiveNetworks live = wired(operations);
  live.erase("box");
  EXPECT_THAT(missing_of(operations, live), HasSubstr("the namespace of its far end is gone"));
  live.clear();
  EXPECT_EQ(items_of(operations, live, "").size(), operations.size());
  EXPECT_THAT(missing_of(operations, live), HasSubstr("its namespace is gone"));
}

TEST(WhyPresence, ASourceThatTheKernelChoseDoesNotMatter) {
  Route route{.destination = {Ipv4(10, 0, 0, 0), 8}, .link = "eth0"};
  LiveNetworks live;
  live["h"].state.routes = {route};
  live["h"].state.routes[0].source = Ipv4(10, 0, 0, 1);
  EXPECT_TRUE(presence_of({"h", RouteReplace{route}, ""}, live).present);
  route.source = Ipv4(10, 0, 0, 2);
  EXPECT_FALSE(presence_of({"h", RouteReplace{route}, ""}, live).present);
}

TEST(WhyPresence, DeletionsArePresentWhenNothingIsLeft) {
  LiveNetworks live;
  live["h"].state.links = {{.name = "left"}};
  EXPECT_FALSE(presence_of({"h", LinkDelete{"left"}, ""}, live).present);
  EXPECT_TRUE(presence_of({"h", LinkDelete{"gone"}, ""}, live).present);
}

TEST(WhyPresence, RulesGoByTheirMarkOrByWhatTheyDo) {
  Rule rule;
  rule.destination = {Prefix::host(address)};
  rule.target = Drop{};
  const nft::EncodeOptions options{.owner = "kube-proxy", .set_index = {}};
  nft::ObservedRuleset live;
  const auto here = [&] { return presence_of(live, "kube-proxy", "nat", "KUBE-X", rule); };
  EXPECT_EQ(here().note, "there is no table nat");
  live["nat"].chains["OTHER"];
  EXPECT_EQ(here().note, "there is no chain KUBE-X");
  auto& rules = live["nat"].chains["KUBE-X"].rules;
  EXPECT_FALSE(here().present);
  EXPECT_TRUE(presence_of(live, "kube-proxy", "nat", "KUBE-X", std::nullopt).present);
  rules.push_back({.owner = "calico", .hash = nft::rule_hash(nft::rule_spec(rule)), .shape = ""});
  EXPECT_FALSE(here().present) << "somebody else's";
  rules[0].owner = "kube-proxy";
  EXPECT_TRUE(here().present);
  rules[0] = {.owner = "", .shape = *nft::rule_shape(rule, options)};
  EXPECT_TRUE(here().present) << "restored by iptables-restore";
  rules[0].shape = "something else";
  EXPECT_FALSE(here().present);
}

TEST(WhyReport, CountsAndMarksWhatIsMissing) {
  WhyReport report{"pod", "default/web", {{"node", "k8s-w1"}}, {}};
  report.sections = {{"on k8s-w1",
                      {"k8s-w1"},
                      {{"ip route replace a", "because", {true, ""}},
                       {"ip route replace b", "why not", {false, "it is c"}}}}};
  const std::string text = render_why(report, false);
  EXPECT_THAT(text, HasSubstr("  present  ip route replace a\n           # because\n"));
  EXPECT_THAT(text, HasSubstr("  missing  ip route replace b\n           # why not\n"
                              "           # now: it is c\n"));
  EXPECT_THAT(text, HasSubstr("1 of 2 are missing"));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(render_why(report, true), HasSubstr("\033[1;31mmissing"));
  const Json json = to_json(report);
  EXPECT_EQ(json["missing"], 1);
  EXPECT_EQ(json["sections"][0]["items"][1]["state"], "missing");
  EXPECT_EQ(json["sections"][0]["items"][1]["note"], "it is c");
  report.sections[0].items.pop_back();
  EXPECT_THAT(render_why(report, false), HasSubstr("all 1 are present"));
  report.sections.clear();
  EXPECT_THAT(render_why(report, false), HasSubstr("nothing in the kernels"));
}

}  // namespace
}  // namespace hoplab::cmd
