#include "runtime/plan/pod_routes.h"

#include <gtest/gtest.h>

#include "runtime/plan/pod_network.h"

namespace hoplab::plan {
namespace {

AddressBlock block_with_pods() {
  AddressBlock block = make_block(Prefix(Ipv4(172, 16, 158, 0), 24), "k8s-w1");
  const std::vector<AddressRequest> requests = {
      {"tunnel", {{"node", "k8s-w1"}, {"type", "ipipTunnelAddress"}}},
      {"a", {{"node", "k8s-w1"}, {"namespace", "default"}, {"pod", "red"}}},
      {"b", {{"node", "k8s-w2"}, {"namespace", "default"}, {"pod", "borrowed"}}}};
  EXPECT_EQ(assign(block, requests).size(), 3U);
  return block;
}

TEST(PodRoutes, OnlyPodsOfThisNode) {
  const auto pods = local_pods(block_with_pods(), "k8s-w1");
  ASSERT_EQ(pods.size(), 1U);
  EXPECT_EQ(pods[0],
            (LocalPod{"default/red", host_link_name("default", "red"), Ipv4(172, 16, 158, 1)}));
}

TEST(PodRoutes, ComeBackWhereTheLinkIs) {
  const auto pods = local_pods(block_with_pods(), "k8s-w1");
  EXPECT_TRUE(missing_pod_routes(pods, {}, {}).empty());
  Link link;
  link.name = pods[0].link;
  const auto operations = missing_pod_routes(pods, {link}, {});
  ASSERT_EQ(operations.size(), 1U);
  EXPECT_EQ(to_command(operations[0]),
            "ip route replace 172.16.158.1 dev " + pods[0].link + " scope link");
  const Route back = std::get<RouteReplace>(operations[0].action).route;
  EXPECT_TRUE(missing_pod_routes(pods, {link}, {back}).empty());
}

}  // namespace
}  // namespace hoplab::plan
