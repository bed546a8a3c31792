#include "cmd/up_ready.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hoplab::cmd {
namespace {

using ::testing::HasSubstr;

plan::ClusterConfig two_nodes() {
  plan::ClusterConfig config = *plan::ready_made_cluster("k8s");
  std::erase_if(config.hosts, [](const plan::HostConfig& host) {
    return host.name != "k8s-m" && host.name != "k8s-w1" && host.name != "client";
  });
  return config;
}

Json object(const std::string& name, const std::string& ready, const std::string& why = "") {
  return {{"metadata", {{"name", name}}},
          {"status", {{"conditions", {{{"type", "Ready"}, {"status", ready}, {"message", why}}}}}}};
}

Json daemon_set(const std::string& name, int ready) {
  return {{"metadata", {{"name", name}}}, {"status", {{"numberReady", ready}}}};
}

TEST(Readiness, NeedsNodesPodsAndDaemonSets) {
  auto all = judge_readiness(two_nodes(), {object("k8s-m", "True"), object("k8s-w1", "True")},
                             {object("a", "True"), object("b", "True")}, {daemon_set("ds", 2)});
  EXPECT_TRUE(all.ready) << all.missing;
  EXPECT_EQ(all.summary, "nodes 2/2 Ready, system pods 2/2 Ready");
}

TEST(Readiness, NamesWhatIsMissingAndWhy) {
  auto now = judge_readiness(two_nodes(), {object("k8s-m", "False", "no CNI configuration")},
                             {object("a", "False", "containers with unready status: [a]")},
                             {daemon_set("calico-node", 1)});
  EXPECT_FALSE(now.ready);
  EXPECT_FALSE(now.nodes_ready);
  EXPECT_EQ(now.summary, "nodes 0/2 Ready, system pods 0/2 Ready");
  EXPECT_THAT(now.missing, HasSubstr("node k8s-m: no CNI configuration"));
  EXPECT_THAT(now.missing, HasSubstr("node k8s-w1: has not registered"));
  EXPECT_THAT(now.missing, HasSubstr("pod a: containers with unready"));
  EXPECT_THAT(now.missing, HasSubstr("daemonset calico-node: 1 of 2 pods"));
}

TEST(Readiness, AWaitingContainerSaysWhy) {
  Json pod = object("a", "False", "not ready");
  pod["status"]["containerStatuses"] = {
      {{"state", {{"waiting", {{"reason", "ErrImagePull"}, {"message", "unknown image"}}}}}}};
  auto now = judge_readiness(two_nodes(), {}, {pod}, {});
  EXPECT_THAT(now.missing, HasSubstr("pod a: ErrImagePull unknown image"));
}

TEST(Readiness, SurvivesObjectsWithoutStatus) {
  auto now = judge_readiness(two_nodes(), {Json{{"metadata", {{"name", "k8s-m"}}}}}, {Json()},
                             {Json::array()});
  EXPECT_FALSE(now.ready);
}

}  // namespace
}  // namespace hoplab::cmd
