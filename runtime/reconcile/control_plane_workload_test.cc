// Deployments, replica sets and daemon sets, run by the whole control plane.

#include <gtest/gtest.h>

#include <map>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

TEST(ControlPlane, ADeploymentSpreadsItsPodsAndReportsThem) {
  ControlPlaneFixture plane;
  for (const char* node : {"w0", "w1", "w2"}) plane.add_node(node);
  plane.start();
  plane.cluster.make("Deployment", "default", deployment_json("web", 6));
  plane.settle();
  std::map<std::string, int> per_node;
  for (const SharedJson& pod : plane.pods()) ++per_node[node_name_of(*pod)];
  EXPECT_EQ(per_node, (std::map<std::string, int>{{"w0", 2}, {"w1", 2}, {"w2", 2}}));

  Json web = plane.cluster.read("Deployment", "default", "web");
  const Json status = web["status"];
  EXPECT_EQ(status["replicas"], 6);
  EXPECT_EQ(status["updatedReplicas"], 6);
  EXPECT_EQ(status["availableReplicas"], 6);
  EXPECT_FALSE(status.contains("unavailableReplicas"));
  EXPECT_EQ(status["observedGeneration"], web["metadata"]["generation"]);
  EXPECT_EQ(condition_status(web, "Available"), "True");
  EXPECT_EQ(condition_status(web, "Progressing"), "True");
  EXPECT_EQ(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
  const auto sets = plane.cluster->all(kind("ReplicaSet"), "default");
  ASSERT_EQ(sets.size(), 1U);
  const std::string hash = string_or(labels_of(*sets[0]), "pod-template-hash");
  EXPECT_EQ(api::name_of(*sets[0]), "web-" + hash);
  EXPECT_EQ(string_or(labels_of(*plane.pods()[0]), "pod-template-hash"), hash);
  EXPECT_EQ(plane.events("ScalingReplicaSet"),
            (std::vector<std::string>{"Scaled up replica set web-" + hash + " to 6"}));
  EXPECT_EQ(plane.events("SuccessfulCreate").size(), 6U);
  EXPECT_EQ(plane.events("Scheduled").size(), 6U);

  web["spec"]["minReadySeconds"] = 7;
  ASSERT_TRUE(plane.cluster->update(kind("Deployment"), "default", "web", web).ok());
  plane.settle();
  EXPECT_EQ((*plane.cluster->all(kind("ReplicaSet"), "default").at(0))["spec"]["minReadySeconds"],
            7);
}

TEST(ControlPlane, ARollingUpdateNeverFallsBelowItsMinimumAndCanBeUndone) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Deployment", "default", deployment_json("web", 4));
  plane.settle();
  const Json before = plane.cluster.read("Deployment", "default", "web");
  const Json patch = {
      {"spec",
       {{"template",
         {{"spec", {{"containers", Json::array({{{"name", "c"}, {"image", "nginx:2"}}})}}}}}}}};
  ASSERT_TRUE(
      plane.cluster->patch(kind("Deployment"), "default", "web", PatchType::strategic_merge, patch)
          .ok());
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
    int ready = 0, all = 0;
    for (const SharedJson& pod : plane.pods()) {
      ready += pod_is_ready(*pod) && !is_deleting(*pod) ? 1 : 0;
      all += is_deleting(*pod) ? 0 : 1;
    }
    EXPECT_GE(ready, 3);  // maxUnavailable 25 % of 4
    EXPECT_LE(all, 5);    // maxSurge 25 %
    if (!plane.play_kubelets()) break;
  }
  Json web = plane.cluster.read("Deployment", "default", "web");
  EXPECT_EQ(web["status"]["updatedReplicas"], 4);
  EXPECT_EQ(web["status"]["replicas"], 4);
  EXPECT_EQ(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
  EXPECT_EQ(plane.cluster->all(kind("ReplicaSet"), "default").size(), 2U);

  web["spec"]["template"] = before["spec"]["template"];
  ASSERT_TRUE(plane.cluster->update(kind("Deployment"), "default", "web", web).ok());
  plane.settle();
  web = plane.cluster.read("Deployment", "default", "web");
  EXPECT_EQ(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
  EXPECT_EQ(plane.cluster->all(kind("ReplicaSet"), "default").size(), 2U);
  for (const SharedJson& pod : plane.pods()) {
    EXPECT_EQ((*pod)["spec"]["containers"][0]["image"], "nginx");
  }
}

TEST(ControlPlane, ADeploymentTakesUpWhatAnEarlierOneLeft) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Deployment", "default", deployment_json("web", 2));
  plane.settle();
  const auto uids = [&] {
    std::set<std::string> all;
    for (const SharedJson& pod : plane.pods()) all.insert(api::uid_of(*pod));
    return all;
  };
  const auto before = uids();
  const DeleteOptions orphan{
      .grace_seconds = {}, .propagation = Propagation::orphan, .precondition_uid = {}};
  ASSERT_TRUE(plane.cluster->remove(kind("Deployment"), "default", "web", orphan).ok());
  plane.settle();
  ASSERT_EQ(plane.cluster->find(kind("Deployment"), "default", "web"), nullptr);
  const Json again = plane.cluster.make("Deployment", "default", deployment_json("web", 2));
  plane.settle();
  const auto sets = plane.cluster->all(kind("ReplicaSet"));
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_EQ(controller_of(*sets[0])->uid, api::uid_of(again));
  EXPECT_EQ(uids(), before);
  // One that is relabeled is let go, and another one takes its place under another name.
  ASSERT_TRUE(plane.cluster
                  ->patch(kind("ReplicaSet"), "default", api::name_of(*sets[0]), PatchType::merge,
                          {{"metadata", {{"labels", {{"app", "other"}}}}}})
                  .ok());
  plane.settle();
  ASSERT_EQ(plane.cluster->all(kind("ReplicaSet")).size(), 2U);
  EXPECT_FALSE(controller_of(plane.cluster.read("ReplicaSet", "default", api::name_of(*sets[0]))));
  const Json web = plane.cluster.read("Deployment", "default", "web");
  EXPECT_EQ(web["status"]["collisionCount"], 1);
  EXPECT_EQ(web["status"]["availableReplicas"], 2);
}

TEST(ControlPlane, AReplicaSetSaysWhyItHasNoPods) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  Json wanted = deployment_json("web", 1);
  wanted["spec"]["template"]["spec"]["serviceAccountName"] = "nobody";
  plane.cluster.make("Deployment", "default", wanted);
  const auto wait_for = [&](const char* status) {
    for (int i = 0; i < 2000; ++i) {
      plane.settle();
      const Json web = plane.cluster.read("Deployment", "default", "web");
      if (condition_status(web, "ReplicaFailure") == status) return true;
      std::this_thread::sleep_for(Millis(5));
    }
    return false;
  };
  ASSERT_TRUE(wait_for("True"));
  const auto sets = plane.cluster->all(kind("ReplicaSet"));
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_EQ(condition_status(*sets[0], "ReplicaFailure"), "True");
  // Every attempt says the same, so that they are one event.
  EXPECT_EQ(plane.events("FailedCreate"),
            std::vector<std::string>{
                str("Error creating: pods \"", api::name_of(*sets[0]),
                    "-\" is forbidden: error looking up service account default/nobody: "
                    "serviceaccount \"nobody\" not found")});
  plane.cluster.make("ServiceAccount", "default", {{"metadata", {{"name", "nobody"}}}});
  EXPECT_TRUE(wait_for(""));
  EXPECT_EQ(plane.pods().size(), 1U);
}

TEST(ControlPlane, RecreateEndsTheOldPodsFirst) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  Json wanted = deployment_json("web", 2);
  wanted["spec"]["strategy"] = {{"type", "Recreate"}};
  Json web = plane.cluster.make("Deployment", "default", wanted);
  plane.settle();
  web = plane.cluster.read("Deployment", "default", "web");
  web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2";
  ASSERT_TRUE(plane.cluster->update(kind("Deployment"), "default", "web", web).ok());
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  for (const SharedJson& pod : plane.pods()) EXPECT_TRUE(is_deleting(*pod));
  plane.settle();
  ASSERT_EQ(plane.pods().size(), 2U);
  EXPECT_EQ((*plane.pods()[0])["spec"]["containers"][0]["image"], "nginx:2");
}

TEST(ControlPlane, ScalingAndDeletingGoAllTheWayDown) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Deployment", "default", deployment_json("web", 5));
  plane.settle();
  ASSERT_TRUE(plane.cluster
                  ->patch(kind("Deployment"), "default", "web", PatchType::merge,
                          {{"spec", {{"replicas", 2}}}})
                  .ok());
  plane.settle();
  EXPECT_EQ(plane.pods().size(), 2U);
  ASSERT_TRUE(plane.cluster->remove(kind("Deployment"), "default", "web").ok());
  plane.settle();
  EXPECT_TRUE(plane.pods().empty());
  EXPECT_TRUE(plane.cluster->all(kind("ReplicaSet")).empty());
}

TEST(ControlPlane, ForegroundAndOrphan) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Deployment", "default", deployment_json("a", 1));
  plane.cluster.make("Deployment", "default", deployment_json("b", 1));
  plane.settle();
  ASSERT_TRUE(
      plane.cluster
          ->remove(
              kind("Deployment"), "default", "a",
              {.grace_seconds = {}, .propagation = Propagation::foreground, .precondition_uid = {}})
          .ok());
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  EXPECT_NE(plane.cluster->find(kind("Deployment"), "default", "a"), nullptr);
  plane.settle();
  EXPECT_EQ(plane.cluster->find(kind("Deployment"), "default", "a"), nullptr);
  EXPECT_EQ(plane.pods().size(), 1U);
  ASSERT_TRUE(
      plane.cluster
          ->remove(
              kind("Deployment"), "default", "b",
              {.grace_seconds = {}, .propagation = Propagation::orphan, .precondition_uid = {}})
          .ok());
  plane.settle();
  EXPECT_EQ(plane.cluster->find(kind("Deployment"), "default", "b"), nullptr);
  const auto sets = plane.cluster->all(kind("ReplicaSet"), "default");
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_TRUE(owners_of(*sets[0]).empty());
  EXPECT_EQ(plane.pods().size(), 1U);
}

TEST(ControlPlane, APodThatIsRelabeledLeavesItsReplicaSet) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Deployment", "default", deployment_json("web", 1));
  plane.settle();
  const std::string old = api::name_of(*plane.pods()[0]);
  ASSERT_TRUE(plane.cluster
                  ->patch(kind("Pod"), "default", old, PatchType::merge,
                          {{"metadata", {{"labels", {{"app", "debug"}}}}}})
                  .ok());
  plane.settle();
  EXPECT_EQ(plane.pods().size(), 2U);
  EXPECT_FALSE(controller_of(plane.cluster.read("Pod", "default", old)).has_value());
}

TEST(ControlPlane, ADaemonSetRunsOnceOnEveryNodeAlsoOnOnesThatAreNotReady) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.add_node(
      "w2", Json::object(),
      Json::array({{{"key", "node.kubernetes.io/not-ready"}, {"effect", "NoSchedule"}}}));
  plane.start();
  const Json labels = {{"app", "agent"}};
  Json pod = pod_json("", labels);
  pod["metadata"].erase("name");
  plane.cluster.make("DaemonSet", "default",
                     {{"metadata", {{"name", "agent"}}},
                      {"spec", {{"selector", {{"matchLabels", labels}}}, {"template", pod}}}});
  plane.settle();
  EXPECT_EQ(plane.pods().size(), 2U);
  plane.add_node("w3");
  plane.settle();
  EXPECT_EQ(plane.pods().size(), 3U);
  const Json status = plane.cluster.read("DaemonSet", "default", "agent")["status"];
  EXPECT_EQ(status["desiredNumberScheduled"], 3);
  EXPECT_EQ(status["numberReady"], 3);
  EXPECT_EQ(status["numberAvailable"], 3);
  EXPECT_EQ(status["updatedNumberScheduled"], 3);

  Json set = plane.cluster.read("DaemonSet", "default", "agent");
  set["spec"]["template"]["spec"]["containers"][0]["image"] = "busybox:2";
  ASSERT_TRUE(plane.cluster->update(kind("DaemonSet"), "default", "agent", set).ok());
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  int deleting = 0;
  for (const SharedJson& p : plane.pods()) deleting += is_deleting(*p) ? 1 : 0;
  EXPECT_EQ(deleting, 1);  // maxUnavailable 1
  plane.settle();
  for (const SharedJson& p : plane.pods()) {
    EXPECT_EQ((*p)["spec"]["containers"][0]["image"], "busybox:2");
    EXPECT_EQ(labels_of(*p)["pod-template-generation"], "2");
  }
  set = plane.cluster.read("DaemonSet", "default", "agent");
  EXPECT_EQ(set["metadata"]["annotations"]["deprecated.daemonset.template.generation"], "2");
}

}  // namespace
}  // namespace hoplab::reconcile
