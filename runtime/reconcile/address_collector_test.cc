#include "runtime/reconcile/address_collector.h"

#include <gtest/gtest.h>

#include <thread>

#include "runtime/plan/ipam_objects.h"
#include "runtime/reconcile/bootstrap.h"
#include "runtime/reconcile/control_plane_fixture.h"
#include "runtime/reconcile/ipam_client.h"

namespace hoplab::reconcile {
namespace {

TEST(AddressCollector, OnlyHandlesOfPodsThatAreGone) {
  plan::AddressBlock block = plan::make_block(Prefix(Ipv4(172, 16, 1, 0), 24), "w1");
  const auto note = [](const char* pod) {
    return std::map<std::string, std::string>{{"namespace", "default"}, {"pod", pod}};
  };
  const std::vector<plan::AddressRequest> requests = {
      {"h1", note("here")}, {"h2", note("gone")}, {"tunnel", {{"type", "ipipTunnelAddress"}}}};
  ASSERT_EQ(plan::assign(block, requests).size(), 3U);
  EXPECT_EQ(stale_handles(block,
                          [](const std::string&, const std::string& pod) { return pod == "here"; }),
            std::set<std::string>{"h2"});
}

/// Takes an address as an agent does, for a pod that does or does not exist.
void take_address(ControlPlaneFixture& plane, IpamClient& client, const std::string& pod) {
  auto taken =
      client.assign({{"k8s-pod-network." + pod, {{"namespace", "default"}, {"pod", pod}}}});
  ASSERT_TRUE(taken.ok()) << taken.error().message();
  EXPECT_EQ(plane.cluster->all(api::kind_of("IPAMBlock")).size(), 1U);
}

template <typename Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(Millis(10));
  }
  return false;
}

TEST(AddressCollector, TakesBackWhatNobodyGivesBack) {
  ControlPlaneFixture plane({.address_grace = Millis(50)});
  const plan::ClusterConfig config = *plan::ready_made_cluster("k8s");
  ASSERT_TRUE(bootstrap_cluster(*plane.cluster, &config).ok());
  plane.add_node("w1");
  IpamClient client(*plane.cluster, plane.cluster.clock, "w1", Log("test", 2, LogLevel::error));
  Json pod = pod_json("here");
  pod["spec"]["nodeName"] = "w1";
  plane.cluster.make("Pod", "default", pod);
  take_address(plane, client, "here");
  take_address(plane, client, "gone");
  plane.start();
  const auto handles = [&] { return plane.cluster->all(api::kind_of("IPAMHandle")).size(); };
  EXPECT_TRUE(eventually([&] { return handles() == 1; }));
  const auto block =
      plan::block_from_json(*plane.cluster->all(api::kind_of("IPAMBlock")).at(0)).value();
  EXPECT_EQ(plan::allocations_of(block).size(), 1U);
  EXPECT_EQ(block.attributes.at(0).notes.at("pod"), "here");

  ASSERT_TRUE(plane.cluster
                  ->remove(api::kind_of("Pod"), "default", "here",
                           {.grace_seconds = 0, .precondition_uid = {}})
                  .ok());
  ASSERT_TRUE(plane.cluster->remove(api::kind_of("Node"), "", "w1").ok());
  EXPECT_TRUE(eventually(
      [&] { return handles() == 0 && plane.cluster->all(api::kind_of("BlockAffinity")).empty(); }));
  // Without node and addresses the block is nobody's.
  EXPECT_TRUE(eventually([&] { return plane.cluster->all(api::kind_of("IPAMBlock")).empty(); }));
}

/// An agent writes the handle, then the block. It may die in between.
TEST(AddressCollector, AHandleThatLeadsNowhereGoes) {
  ControlPlaneFixture plane({.address_grace = Millis(50)});
  const plan::ClusterConfig config = *plan::ready_made_cluster("k8s");
  ASSERT_TRUE(bootstrap_cluster(*plane.cluster, &config).ok());
  plane.add_node("w1");
  IpamClient client(*plane.cluster, plane.cluster.clock, "w1", Log("test", 2, LogLevel::error));
  plane.cluster.make("Pod", "default", pod_json("here"));
  take_address(plane, client, "here");
  const auto block =
      plan::block_from_json(*plane.cluster->all(api::kind_of("IPAMBlock")).at(0)).value();
  const auto make = [&](const std::string& id) {
    plane.cluster.make("IPAMHandle", "", plan::to_json(plan::AddressHandle{id, {{block.cidr, 1}}}));
  };
  const auto handles = [&] { return plane.cluster->all(api::kind_of("IPAMHandle")).size(); };
  make("k8s-pod-network.before-the-start");
  plane.start();
  EXPECT_TRUE(eventually([&] { return handles() == 1; }));
  make("k8s-pod-network.later");
  EXPECT_TRUE(eventually([&] { return handles() == 1; }));
  EXPECT_NE(plane.cluster->find(api::kind_of("IPAMHandle"), "", "k8s-pod-network.here"), nullptr);
}

}  // namespace
}  // namespace hoplab::reconcile
