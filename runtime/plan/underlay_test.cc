#include "runtime/plan/underlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace hoplab::plan {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> commands(const std::vector<Operation>& operations) {
  std::vector<std::string> out;
  for (const auto& operation : operations) out.push_back(to_command(operation));
  return out;
}

std::string joined(const std::vector<Operation>& operations) {
  std::string out;
  for (const auto& command : commands(operations)) out += command + "\n";
  return out;
}

ClusterConfig config() {
  return *ready_made_cluster("k8s");
}

TEST(Underlay, OneNodeIsThis) {
  auto cluster = config();
  EXPECT_EQ(joined(plan_host_underlay(cluster, *cluster.find_host("k8s-w1"), {})),
            "ip -n k8s-w1 link set lo up\n"
            "ip netns exec k8s-w1 sysctl -w net.ipv4.ip_forward=0\n"
            "ip netns exec k8s-w1 sysctl -w net.ipv4.conf.all.rp_filter=0\n"
            "ip netns exec k8s-w1 sysctl -w net.ipv4.conf.default.rp_filter=0\n"
            "ip netns exec k8s-w1 sysctl -w net.ipv6.conf.default.disable_ipv6=1\n"
            "ip link add k8s-w1-eth0 master lan10 up type veth peer name eth0 address "
            "52:54:00:a8:0a:65 netns k8s-w1\n"
            "ip -n k8s-w1 link set eth0 up\n"
            "ip -n k8s-w1 addr add 192.168.10.101/24 brd 192.168.10.255 dev eth0\n"
            "ip -n k8s-w1 route replace default via 192.168.10.254 dev eth0\n");
}

TEST(Underlay, SwitchesDoNotFilter) {
  auto lines = commands(plan_underlay(config(), {}));
  EXPECT_THAT(lines, Contains("sysctl -w net.bridge.bridge-nf-call-iptables=0"));
  EXPECT_THAT(lines, Contains("ip link add lan20 up type bridge"));
  // Without br_netfilter there is no such setting.
  lines = commands(plan_underlay(config(), {.bridge_netfilter = false, .ipv6 = false}));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("bridge-nf"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("ipv6"))));
}

TEST(Underlay, OnlyTheRouterForwards) {
  auto lines = commands(plan_underlay(config(), {}));
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return line.find("ip_forward=1") != std::string::npos;
                          }),
            1);
  EXPECT_THAT(lines, Contains("ip netns exec k8s-rtr sysctl -w net.ipv4.ip_forward=1"));
  EXPECT_THAT(lines, Contains("ip -n internet addr add 8.8.8.8/32 dev eth0"));
  EXPECT_THAT(lines, Contains("ip -n k8s-rtr route replace default via 203.0.113.2 dev eth3"));
}

TEST(Underlay, EveryOperationSaysWhy) {
  for (const auto& operation : plan_underlay(config(), {})) {
    EXPECT_FALSE(operation.reason.empty()) << to_command(operation);
  }
}

TEST(Underlay, PortsOfLongNamesFitAndDiffer) {
  ClusterConfig cluster = config();
  cluster.hosts[2].name = "a-host-with-a-long-name-1";
  cluster.hosts[3].name = "a-host-with-a-long-name-2";
  auto lines = joined(plan_underlay(cluster, {}));
  EXPECT_THAT(lines, HasSubstr("ip link add port2-eth0 "));
  EXPECT_THAT(lines, HasSubstr("ip link add port3-eth0 "));
}

/// A host without a cable.
ClusterConfig bare_host() {
  auto config = parse_cluster_config({{"hosts", {{{"name", "bare"}, {"role", "client"}}}}}, "test");
  EXPECT_TRUE(config) << config.error().message();
  return *std::move(config);
}

TEST(Underlay, ABareHostHasLoAndNothingElse) {
  auto lines = commands(plan_underlay(bare_host(), {}));
  EXPECT_THAT(lines, Contains("ip -n bare link set lo up"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("link add"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("route"))));
}

TEST(Underlay, TheInternetOfLinuxKnowsNoWayBackToPrivateNetworks) {
  auto lines = commands(plan_underlay(*ready_made_cluster("linux"), {}));
  EXPECT_THAT(lines, Contains("ip -n linux route replace default via 203.0.113.2 dev eth0"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("ip -n internet route"))));
}

TEST(Underlay, AHostLeavesByItsPorts) {
  auto cluster = config();
  EXPECT_EQ(joined(plan_host_removal(cluster, *cluster.find_host("client"))),
            "ip link del client-eth0\n");
}

TEST(HostFiles, NameEveryHostAndTheInternetsServers) {
  auto cluster = config();
  auto hosts = render_hosts_file(cluster, *cluster.find_host("k8s-m"));
  EXPECT_THAT(hosts, HasSubstr("127.0.0.1 localhost\n192.168.10.10 k8s-m\n"));
  EXPECT_THAT(hosts, HasSubstr("192.168.20.100 k8s-w0\n"));
  EXPECT_EQ(render_resolv_conf(cluster), "nameserver 8.8.8.8\nnameserver 1.1.1.1\n");
  const ClusterConfig bare = bare_host();
  EXPECT_EQ(render_hosts_file(bare, bare.hosts.front()), "127.0.0.1 localhost\n127.0.1.1 bare\n");
}

}  // namespace
}  // namespace hoplab::plan
