#include "runtime/reconcile/deployment_plan.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

const WallTime now = parse_rfc3339("2026-11-23T05:00:00Z").value();

Json stored(int replicas = 2) {
  Json deployment = deployment_json("web", replicas);
  deployment["apiVersion"] = "apps/v1";
  deployment["kind"] = "Deployment";
  deployment["metadata"]["namespace"] = "default";
  deployment["metadata"]["uid"] = "d1";
  deployment["metadata"]["generation"] = 1;
  return deployment;
}

SharedJson as_stored(Json set, int64_t available) {
  set["metadata"]["creationTimestamp"] = "2026-11-23T04:00:00Z";
  set["status"] = {{"replicas", set["spec"]["replicas"]}, {"availableReplicas", available}};
  return std::make_shared<const Json>(std::move(set));
}

TEST(DeploymentPlan, TheFirstReplicaSet) {
  Json deployment = stored();
  deployment["metadata"]["annotations"] = {
      {"kubernetes.io/change-cause", "first"},
      {"kubectl.kubernetes.io/last-applied-configuration", "{}"}};
  const DeploymentPlan plan = plan_deployment(deployment, {}, false, now);
  ASSERT_TRUE(plan.create);
  const Json& set = *plan.create;
  EXPECT_EQ(set["spec"]["replicas"], 2);
  const std::string hash = set["metadata"]["labels"]["pod-template-hash"];
  EXPECT_EQ(set["metadata"]["name"], "web-" + hash);
  EXPECT_EQ(set["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
  EXPECT_EQ(set["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
  EXPECT_EQ(set["metadata"]["annotations"]["kubernetes.io/change-cause"], "first");
  EXPECT_FALSE(
      set["metadata"]["annotations"].contains("kubectl.kubernetes.io/last-applied-configuration"));
  EXPECT_EQ(condition_status(Json{{"status", plan.status}}, "Available"), "False");
}

TEST(DeploymentPlan, TheSameTemplateIsTheSameSet) {
  const Json deployment = stored();
  const Json set = *plan_deployment(deployment, {}, false, now).create;
  const DeploymentPlan plan = plan_deployment(deployment, {as_stored(set, 2)}, false, now);
  EXPECT_FALSE(plan.create);
  EXPECT_EQ(set["metadata"]["name"], plan.current);
  EXPECT_TRUE(plan.scale.empty());
  EXPECT_EQ(plan.status["updatedReplicas"], 2);
  EXPECT_EQ(plan.status["conditions"][1]["reason"], "NewReplicaSetAvailable");
}

TEST(DeploymentPlan, NoProgressIsSaidAtTheDeadlineAndNotBefore) {
  Json deployment = stored();
  deployment["spec"]["progressDeadlineSeconds"] = 60;
  const SharedJson set = as_stored(*plan_deployment(deployment, {}, false, now).create, 0);
  DeploymentPlan plan = plan_deployment(deployment, {set}, false, now);
  EXPECT_EQ(plan.look_again, Millis(60'000));
  deployment["status"] = plan.status;
  plan = plan_deployment(deployment, {set}, false, now + std::chrono::seconds(59));
  EXPECT_EQ(plan.look_again, Millis(1000));
  EXPECT_EQ(condition_status(Json{{"status", plan.status}}, "Progressing"), "True");
  deployment["status"] = plan.status;
  plan = plan_deployment(deployment, {set}, false, now + std::chrono::seconds(60));
  EXPECT_EQ(plan.status["conditions"][1]["reason"], "ProgressDeadlineExceeded");
  EXPECT_FALSE(plan.look_again);
  // It may still get there.
  deployment["status"] = plan.status;
  Json late = *set;
  late["status"]["availableReplicas"] = 1;
  plan = plan_deployment(deployment, {std::make_shared<const Json>(late)}, false,
                         now + std::chrono::seconds(61));
  EXPECT_EQ(plan.status["conditions"][1]["reason"], "ReplicaSetUpdated");
}

TEST(DeploymentPlan, APausedOneIsOnlyScaled) {
  Json deployment = stored();
  const SharedJson set = as_stored(*plan_deployment(deployment, {}, false, now).create, 2);
  deployment["spec"]["paused"] = true;
  deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "other";
  deployment["spec"]["replicas"] = 5;
  const DeploymentPlan plan = plan_deployment(deployment, {set}, false, now);
  EXPECT_FALSE(plan.create);
  EXPECT_EQ(plan.scale, (std::vector<ScaleStep>{{api::name_of(*set), 2, 5}}));
}

TEST(DeploymentPlan, HistoryIsLimited) {
  Json deployment = stored(1);
  deployment["spec"]["revisionHistoryLimit"] = 1;
  std::vector<SharedJson> sets;
  for (int i = 0; i < 4; ++i) {
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = str("nginx:", i);
    Json set = *plan_deployment(deployment, {}, false, now).create;
    set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = std::to_string(i + 1);
    const bool last = i == 3;
    set["spec"]["replicas"] = last ? 1 : 0;
    sets.push_back(as_stored(set, last ? 1 : 0));
  }
  const DeploymentPlan plan = plan_deployment(deployment, sets, false, now);
  EXPECT_EQ(plan.revision, "4");
  EXPECT_EQ(plan.remove,
            (std::vector<std::string>{api::name_of(*sets[0]), api::name_of(*sets[1])}));
}

}  // namespace
}  // namespace hoplab::reconcile
