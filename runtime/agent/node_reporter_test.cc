#include "runtime/agent/node_reporter.h"

#include <gtest/gtest.h>

#include <fstream>

#include "runtime/base/locked.h"
#include "store/registry_fixture.h"

namespace hoplab::agent {
namespace {

const WallTime now = *parse_rfc3339("2026-11-23T05:00:00Z");

NodeDescription description(const TestDir& dir) {
  NodeDescription node;
  node.facts = {"w1", Ipv4(192, 168, 10, 101)};
  node.cni_folder = dir.file("cni");
  node.lease = Millis(40);
  return node;
}

std::string ready_of(RegistryFixture& cluster) {
  auto node = cluster->get(api::kind_of("Node"), "", "w1");
  if (!node) return "no node";
  for (const Json& condition : at_path(*node, "status.conditions")) {
    if (string_or(condition, "type") == "Ready") return string_or(condition, "status");
  }
  return "no condition";
}

/// Gives up on an agent that does not do it at all; one that works takes a moment.
template <typename Condition>
bool holds_in_the_end(const Condition& condition) {
  const SteadyTime end = SystemClock().steady() + std::chrono::seconds(60);
  while (!condition()) {
    if (SystemClock().steady() > end) return false;
    std::this_thread::sleep_for(Millis(2));
  }
  return true;
}

testing::AssertionResult turns(RegistryFixture& cluster, const std::string& status) {
  if (holds_in_the_end([&] { return ready_of(cluster) == status; })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "Ready stays " << ready_of(cluster);
}

Json unknown_status() {
  return {{"conditions", Json::array({{{"type", "Ready"},
                                       {"status", "Unknown"},
                                       {"reason", "NodeStatusUnknown"},
                                       {"message", "Kubelet stopped posting node status."}}})}};
}

class NodeReports : public testing::Test {
 protected:
  NodeReports() {
    cluster.make("Namespace", "", {{"metadata", {{"name", "kube-node-lease"}}}});
    std::filesystem::create_directories(dir.file("cni"));
  }
  void plug_network() { std::ofstream(dir.file("cni/10-calico.conflist")) << "{}"; }

  TestDir dir;
  RegistryFixture cluster;
  Locked<std::vector<std::string>> told;
  TellNode tell = [this](const std::string& reason, const std::string&) {
    told.lock()->push_back(reason);
  };
  Log log{"test", 2, LogLevel::error};
};

TEST_F(NodeReports, ANodeThatWasJudgedSilentTurnsReadyAgain) {
  plug_network();
  NodeReporter reporter(*cluster, description(dir), tell, log);
  ASSERT_TRUE(turns(cluster, "True"));
  ASSERT_TRUE(cluster
                  ->patch(api::kind_of("Node"), "", "w1", PatchType::merge,
                          {{"status", unknown_status()}}, Subresource::status)
                  .ok());
  ASSERT_TRUE(turns(cluster, "True"));
  ASSERT_TRUE(holds_in_the_end([&] { return told.lock()->size() >= 2; }));
  EXPECT_EQ(*told.lock(), (std::vector<std::string>{"NodeReady", "NodeReady"}));
}

TEST_F(NodeReports, TheNetworkPluginComesAndGoes) {
  NodeReporter reporter(*cluster, description(dir), tell, log);
  ASSERT_TRUE(turns(cluster, "False"));
  plug_network();
  ASSERT_TRUE(turns(cluster, "True"));
  std::filesystem::remove(dir.file("cni/10-calico.conflist"));
  ASSERT_TRUE(turns(cluster, "False"));
}

TEST_F(NodeReports, AnUnchangedStatusIsNotWritten) {
  plug_network();
  NodeReporter reporter(*cluster, description(dir), tell, log);
  ASSERT_TRUE(turns(cluster, "True"));
  auto renewals = [this] {
    return at_path(cluster.read("Lease", "kube-node-lease", "w1"), "spec.renewTime");
  };
  const Json before = member(cluster.read("Node", "", "w1"), "metadata");
  for (int i = 0; i < 3; ++i) {
    const Json last = renewals();
    ASSERT_TRUE(holds_in_the_end([&] { return renewals() != last; }));
  }
  EXPECT_EQ(member(cluster.read("Node", "", "w1"), "metadata"), before);
}

TEST_F(NodeReports, TheStatusIsWrittenFromTimeToTimeAllTheSame) {
  plug_network();
  NodeDescription node = description(dir);
  node.report_after = Millis(1);
  NodeReporter reporter(*cluster, node, tell, log);
  ASSERT_TRUE(turns(cluster, "True"));
  auto revision = [this] { return at_path(cluster.read("Node", "", "w1"), "metadata"); };
  const Json before = revision();
  ASSERT_TRUE(holds_in_the_end([&] { return revision() != before; }));
}

TEST_F(NodeReports, ADeletedNodeStaysAway) {
  plug_network();
  NodeReporter reporter(*cluster, description(dir), tell, log);
  ASSERT_TRUE(turns(cluster, "True"));
  ASSERT_TRUE(cluster->remove(api::kind_of("Node"), "", "w1").ok());
  auto renewals = [this] {
    return at_path(cluster.read("Lease", "kube-node-lease", "w1"), "spec.renewTime");
  };
  for (int i = 0; i < 2; ++i) {
    const Json last = renewals();
    ASSERT_TRUE(holds_in_the_end([&] { return renewals() != last; }));
  }
  EXPECT_EQ(ready_of(cluster), "no node");
}

TEST(NodeStatus, EachNodeHasIdsOfItsOwnThatStay) {
  auto info_of = [](const std::string& cluster, const std::string& name) {
    NodeDescription node;
    node.cluster = cluster;
    node.facts = {name, Ipv4(192, 168, 10, 101)};
    return member(make_node_status(node, true, {}, now), "nodeInfo");
  };
  const Json first = info_of("k8s", "w1");
  EXPECT_EQ(first, info_of("k8s", "w1"));
  EXPECT_EQ(string_or(first, "containerRuntimeVersion"), "docker://20.10.12");
  EXPECT_EQ(string_or(first, "machineID").size(), 32U);
  for (const char* id : {"machineID", "systemUUID", "bootID"}) {
    EXPECT_NE(string_or(first, id), "") << id;
    EXPECT_NE(first[id], info_of("k8s", "w2")[id]) << id;
    EXPECT_NE(first[id], info_of("other", "w1")[id]) << id;
  }
}

TEST(NodeStatus, KeepsConditionsOfOthersAndTheirTimes) {
  NodeDescription node;
  node.facts = {"w1", Ipv4(192, 168, 10, 101)};
  Json first = make_node_status(node, true, {}, now);
  const Json others = {
      {"type", "NetworkUnavailable"}, {"status", "False"}, {"reason", "CalicoIsUp"}};
  first["conditions"].push_back(others);
  Json later = make_node_status(node, true, first, now + std::chrono::minutes(1));
  EXPECT_EQ(later["conditions"].back(), others);
  EXPECT_NE(later, first) << "the heartbeat's time moves on";
  EXPECT_TRUE(same_node_status(later, first));
  EXPECT_FALSE(same_node_status(make_node_status(node, false, first, now), first));
  first["conditions"][0]["status"] = "Unknown";
  EXPECT_FALSE(same_node_status(later, first));
  EXPECT_FALSE(same_node_status(later, Json()));
}

}  // namespace
}  // namespace hoplab::agent
