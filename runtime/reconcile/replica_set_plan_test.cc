#include "runtime/reconcile/replica_set_plan.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

const WallTime now = parse_rfc3339("2026-11-23T05:00:00Z").value();

Json replica_set(int replicas) {
  Json set = deployment_json("web", replicas);
  set["kind"] = "ReplicaSet";
  set["metadata"]["uid"] = "s1";
  return set;
}

SharedJson pod(const std::string& name, const std::string& owner, bool ready,
               const std::string& node = "w1", const char* label = "web") {
  Json object = pod_json(name, {{"app", label}});
  object["metadata"]["creationTimestamp"] = "2026-11-23T04:00:00Z";
  object["spec"]["nodeName"] = node;
  if (!owner.empty()) {
    object["metadata"]["ownerReferences"] =
        Json::array({{{"kind", "ReplicaSet"}, {"uid", owner}, {"controller", true}}});
  }
  object["status"] = {
      {"phase", ready ? "Running" : "Pending"},
      {"conditions", Json::array({{{"type", "Ready"},
                                   {"status", ready ? "True" : "False"},
                                   {"lastTransitionTime", "2026-11-23T04:59:50Z"}}})}};
  return std::make_shared<const Json>(std::move(object));
}

TEST(ReplicaSetPlan, MissingPodsAreMadeFinishedOnesDoNotCount) {
  Json failed = *pod("f", "s1", false);
  failed["status"]["phase"] = "Failed";
  const auto plan = plan_replica_set(
      replica_set(3), {pod("a", "s1", true), std::make_shared<const Json>(failed)}, now);
  EXPECT_EQ(plan.create, 2);
  EXPECT_EQ(plan.status["replicas"], 1);
  EXPECT_EQ(plan.status["readyReplicas"], 1);
}

TEST(ReplicaSetPlan, TheLeastUsefulGoFirst) {
  const auto plan = plan_replica_set(
      replica_set(2),
      {pod("ready", "s1", true, "w2"), pod("crowded", "s1", true), pod("starting", "s1", false),
       pod("crowded2", "s1", true), pod("homeless", "s1", false, "")},
      now);
  EXPECT_EQ(plan.remove, (std::vector<std::string>{"homeless", "starting", "crowded"}));
}

TEST(ReplicaSetPlan, AdoptsReleasesAndLeavesOthersAlone) {
  const auto plan =
      plan_replica_set(replica_set(2),
                       {pod("orphan", "", true), pod("strange", "other", true),
                        pod("mine", "s1", true), pod("relabeled", "s1", true, "w1", "debug")},
                       now);
  EXPECT_EQ(plan.adopt, std::vector<std::string>{"orphan"});
  EXPECT_EQ(plan.release, std::vector<std::string>{"relabeled"});
  EXPECT_EQ(plan.create, 0);
  EXPECT_TRUE(plan.remove.empty());
}

TEST(ReplicaSetPlan, AvailableAfterMinReadySeconds) {
  Json set = replica_set(1);
  set["spec"]["minReadySeconds"] = 15;
  auto plan = plan_replica_set(set, {pod("a", "s1", true)}, now);
  EXPECT_FALSE(plan.status.contains("availableReplicas"));
  EXPECT_EQ(plan.look_again, Millis(5000));
  plan = plan_replica_set(set, {pod("a", "s1", true)}, now + std::chrono::seconds(5));
  EXPECT_EQ(plan.status["availableReplicas"], 1);
  EXPECT_FALSE(plan.look_again);
}

TEST(ReplicaSetPlan, ADeletedOneMakesNothing) {
  Json set = replica_set(3);
  set["metadata"]["deletionTimestamp"] = "2026-11-23T05:00:00Z";
  const auto plan = plan_replica_set(set, {pod("orphan", "", true)}, now);
  EXPECT_EQ(plan.create, 0);
  EXPECT_TRUE(plan.adopt.empty());
}

}  // namespace
}  // namespace hoplab::reconcile
