#include "runtime/plan/node_network.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace hoplab::plan {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> commands(const NodeNetworkPlan& node) {
  std::vector<std::string> out;
  for (const Operation& operation : node.operations) out.push_back(to_command(operation));
  return out;
}

NodeNetworkPlan node(const std::vector<NodeNetworkPlan>& all, std::string_view name) {
  for (const auto& one : all) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << name << " is not planned";
  return {};
}

TEST(NodeNetwork, IsWhatTheTalkShows) {
  const auto all = plan_node_networks(*ready_made_cluster("k8s"), {});
  ASSERT_EQ(all.size(), 4U) << "router, client and internet are no nodes";
  const auto w1 = node(all, "k8s-w1");
  EXPECT_EQ(to_string(w1.block), "172.16.158.0/24");
  EXPECT_THAT(commands(w1), Contains("ip -n k8s-w1 addr add 172.16.158.0/32 dev tunl0"));
  EXPECT_THAT(commands(w1), Contains(HasSubstr("route replace 172.16.184.0/24 via 192.168.10.102 "
                                               "dev tunl0 proto bird onlink")));
  EXPECT_THAT(commands(w1), Contains(HasSubstr("route replace blackhole 172.16.158.0/24")));
  EXPECT_THAT(commands(w1), Contains("ip netns exec k8s-w1 sysctl -w net.ipv4.ip_forward=1"));
  EXPECT_THAT(commands(w1), Not(Contains(HasSubstr("neigh"))));
}

TEST(NodeNetwork, AProcessNeedsNeighbors) {
  const auto all = plan_node_networks(*ready_made_cluster("k8s"), {.neighbors = true});
  EXPECT_THAT(commands(node(all, "k8s-w1")),
              Contains("ip -n k8s-w1 neigh replace 192.168.10.102 lladdr 02:00:c0:a8:0a:66 dev "
                       "tunl0 nud permanent"));
}

TEST(NodeNetwork, BlocksOfNodesWithoutAChosenOneDiffer) {
  ClusterConfig config = *ready_made_cluster("k8s");
  for (auto& host : config.hosts) host.first_block.reset();
  std::vector<Prefix> blocks;
  for (const auto& one : plan_node_networks(config, {})) blocks.push_back(one.block);
  std::sort(blocks.begin(), blocks.end());
  EXPECT_EQ(std::unique(blocks.begin(), blocks.end()), blocks.end());
  EXPECT_EQ(blocks.size(), 4U);
}

TEST(NodeNetwork, ABareHostGetsNothing) {
  EXPECT_TRUE(plan_node_networks(*ready_made_cluster("linux"), {}).empty());
}

}  // namespace
}  // namespace hoplab::plan
