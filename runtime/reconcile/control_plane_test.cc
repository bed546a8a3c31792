#include <gtest/gtest.h>

#include <map>

#include "runtime/reconcile/bootstrap.h"
#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

const api::Kind& kind(std::string_view name) {
  return api::kind_of(name);
}

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

TEST(ControlPlane, EndpointsFollowThePods) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Service", "default", service_json("web", "http"));
  plane.cluster.make("Deployment", "default", deployment_json("web", 3));
  plane.settle();
  Json endpoints = plane.cluster.read("Endpoints", "default", "web");
  ASSERT_EQ(endpoints["subsets"].size(), 1U);
  EXPECT_EQ(endpoints["subsets"][0]["addresses"].size(), 3U);
  EXPECT_EQ(endpoints["subsets"][0]["ports"][0]["port"], 80);
  auto slices = plane.cluster->all(kind("EndpointSlice"), "default");
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ((*slices[0])["endpoints"].size(), 3U);
  EXPECT_EQ(labels_of(*slices[0])["kubernetes.io/service-name"], "web");

  // A pod that ends leaves at once, not when it is gone.
  ASSERT_TRUE(plane.cluster->remove(kind("Pod"), "default", api::name_of(*plane.pods()[0])).ok());
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  endpoints = plane.cluster.read("Endpoints", "default", "web");
  EXPECT_EQ(endpoints["subsets"][0]["addresses"].size(), 2U);
  plane.settle();

  ASSERT_TRUE(plane.cluster->remove(kind("Service"), "default", "web").ok());
  plane.settle();
  EXPECT_EQ(plane.cluster->find(kind("Endpoints"), "default", "web"), nullptr);
  EXPECT_TRUE(plane.cluster->all(kind("EndpointSlice"), "default").empty());
}

TEST(ControlPlane, EndpointsGoWhoeverTakesTheSlicesAndWhenTheServerDiedHalfway) {
  ControlPlaneFixture plane;
  const auto endpoints = [](const char* name) {
    return Json{{"metadata", {{"name", name}}}, {"subsets", Json::array()}};
  };
  plane.cluster.make("Endpoints", "default", endpoints("left-over"));
  plane.start();
  plane.settle();  // What is there at the start is listed; only what comes later is a person's.
  plane.cluster.make("Endpoints", "default", endpoints("of-a-person"));
  plane.settle();
  EXPECT_EQ(plane.cluster->find(kind("Endpoints"), "default", "left-over"), nullptr);
  EXPECT_NE(plane.cluster->find(kind("Endpoints"), "default", "of-a-person"), nullptr);

  // The garbage collector takes the slices, sooner or later than the endpoints go.
  for (int i = 0; i < 50; ++i) {
    plane.cluster.make("Service", "default", service_json(str("web", i), 80));
    plane.settle();
    ASSERT_TRUE(plane.cluster->remove(kind("Service"), "default", str("web", i)).ok());
  }
  plane.settle();
  EXPECT_EQ(plane.cluster->all(kind("Endpoints"), "default").size(), 1U);
  EXPECT_TRUE(plane.cluster->all(kind("EndpointSlice"), "default").empty());
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

TEST(ControlPlane, APodWaitsForANodeThatFits) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  Json pod = pod_json("p");
  pod["spec"]["nodeSelector"] = {{"disk", "ssd"}};
  plane.cluster.make("Pod", "default", pod);
  plane.settle();
  EXPECT_EQ(plane.events("FailedScheduling"),
            (std::vector<std::string>{
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."}));
  EXPECT_EQ(condition_status(*plane.pods()[0], "PodScheduled"), "False");
  plane.add_node("w2", {{"disk", "ssd"}});
  plane.settle();
  EXPECT_EQ(node_name_of(*plane.pods()[0]), "w2");
  EXPECT_EQ(plane.events("Scheduled"),
            (std::vector<std::string>{"Successfully assigned default/p to w2"}));
}

TEST(ControlPlane, ASilentNodeLosesItsEndpointsAndADeletedOneItsPods) {
  ControlPlaneFixture plane({.node_grace = Millis(300)});
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Service", "default", service_json("web", 80));
  plane.cluster.make("Deployment", "default", deployment_json("web", 1));
  plane.settle();
  plane.silent.insert("w1");
  bool lost = false;
  for (int i = 0; i < 500 && !lost; ++i) {
    std::this_thread::sleep_for(Millis(10));
    const Json endpoints = plane.cluster.read("Endpoints", "default", "web");
    lost = !endpoints.contains("subsets") || !endpoints["subsets"][0].contains("addresses");
  }
  EXPECT_TRUE(lost);
  const Json node = plane.cluster.read("Node", "", "w1");
  EXPECT_EQ(condition_status(node, "Ready"), "Unknown");
  EXPECT_EQ(node["spec"]["taints"][0]["key"], "node.kubernetes.io/unreachable");
  ASSERT_TRUE(plane.cluster->remove(kind("Node"), "", "w1").ok());
  bool replaced = false;
  for (int i = 0; i < 500 && !replaced; ++i) {
    std::this_thread::sleep_for(Millis(10));
    replaced = plane.pods().size() == 1 && node_name_of(*plane.pods()[0]).empty();
  }
  EXPECT_TRUE(replaced);
}

/// The network's own pod is ready before its node is: it is what makes the node ready.
TEST(ControlPlane, ANewNodesFirstPodStaysReadyAndALostNodesDoesNot) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  const auto set_ready = [&](const char* status) {
    const Json conditions = Json::array({{{"type", "Ready"}, {"status", status}}});
    ASSERT_TRUE(plane.cluster
                    ->patch(kind("Node"), "", "w1", PatchType::merge,
                            {{"status", {{"conditions", conditions}}}}, Subresource::status)
                    .ok());
  };
  set_ready("False");
  Json pod = pod_json("network");
  pod["spec"]["nodeName"] = "w1";
  pod["spec"]["tolerations"] = Json::array({{{"operator", "Exists"}}});
  plane.cluster.make("Pod", "default", pod);
  plane.make_ready("default", "network");
  plane.start();
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  EXPECT_TRUE(pod_is_ready(*plane.pods().at(0)));
  set_ready("True");
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  set_ready("False");
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  EXPECT_FALSE(pod_is_ready(*plane.pods().at(0)));
}

TEST(ControlPlane, ANamespaceGoesWithAllItHolds) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Namespace", "", {{"metadata", {{"name", "x"}}}});
  plane.cluster.make("Deployment", "x", deployment_json("web", 2));
  plane.cluster.make("Service", "x", service_json("web", 80));
  plane.settle();
  ASSERT_TRUE(plane.cluster->remove(kind("Namespace"), "", "x").ok());
  ASSERT_TRUE(plane.manager->wait_idle(Millis(10'000)));
  EXPECT_NE(plane.cluster->find(kind("Namespace"), "", "x"), nullptr);  // Pods have their grace.
  plane.settle();
  EXPECT_EQ(plane.cluster->find(kind("Namespace"), "", "x"), nullptr);
  for (const api::Kind& each : api::kinds()) {
    if (each.namespaced) {
      EXPECT_TRUE(plane.cluster->all(each, "x").empty()) << each.plural;
    }
  }
}

TEST(ControlPlane, ServiceAccountsComeBackAndOldTokensGo) {
  ControlPlaneFixture plane;
  plane.start();
  const Json old = plane.cluster.read("ServiceAccount", "default", "default");
  ASSERT_TRUE(plane.cluster->remove(kind("ServiceAccount"), "default", "default").ok());
  plane.settle();
  const Json fresh = plane.cluster.read("ServiceAccount", "default", "default");
  EXPECT_NE(api::uid_of(fresh), api::uid_of(old));
  const auto secrets = plane.cluster->all(kind("Secret"), "default");
  ASSERT_EQ(secrets.size(), 1U);
  EXPECT_EQ(fresh["secrets"][0]["name"], api::name_of(*secrets[0]));
}

TEST(ControlPlane, BootstrapMakesTheSystemOnceAndTheRolesRun) {
  ControlPlaneFixture plane;
  const plan::ClusterConfig config = *plan::ready_made_cluster("k8s");
  auto done = bootstrap_cluster(*plane.cluster, &config);
  ASSERT_TRUE(done.ok()) << done.error().message();
  const int64_t revision = plane.cluster->revision();
  ASSERT_TRUE(bootstrap_cluster(*plane.cluster, &config).ok());
  EXPECT_EQ(plane.cluster->revision(), revision);
  EXPECT_EQ(plane.cluster.read("Service", "default", "kubernetes")["spec"]["clusterIP"],
            "10.96.0.1");
  EXPECT_EQ(plane.cluster.read("IPPool", "", "default-ipv4-ippool")["spec"]["cidr"],
            "172.16.0.0/16");
  plane.start();
  for (const char* node : {"k8s-m", "k8s-w1"})
    plane.add_node(node, {{"kubernetes.io/os", "linux"}});
  plane.settle();
  EXPECT_EQ(plane.pods("kube-system").size(), 4U);
  // The address that the API server itself wrote is mirrored for kube-proxy.
  const auto slices = plane.cluster->all(kind("EndpointSlice"), "default");
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ((*slices[0])["endpoints"][0]["addresses"][0], "192.168.10.10");
  EXPECT_EQ((*slices[0])["ports"][0]["name"], "https");
}

TEST(ControlPlane, AReadyPodIsAnEndpointWithoutAnyOtherChange) {
  ControlPlaneFixture plane;
  plane.add_node("w1");
  plane.start();
  plane.cluster.make("Service", "default", service_json("web", 80));
  plane.cluster.make("Deployment", "default", deployment_json("web", 1));
  plane.broken.insert("web");
  plane.settle();
  auto watch = plane.cluster->watch(kind("EndpointSlice"), {}, plane.cluster->revision()).value();
  plane.make_ready("default", api::name_of(*plane.pods()[0]));
  auto event = watch->next(Millis(5000)).value();
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(event->object["endpoints"][0]["conditions"]["ready"]);
}

/// Throws at one ConfigMap, once on the feed's thread and once on a worker's.
class Stumbling final : public Controller {
 public:
  explicit Stumbling(std::atomic<int>& looks) : looks_(looks) {}
  [[nodiscard]] std::string_view name() const override { return "stumbling"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override {
    if (change.kind != "ConfigMap") return;
    if (api::name_of(change.any()) == "feed") throw std::runtime_error("feed");
    keys.push_back(api::name_of(change.any()));
  }
  Result<std::optional<Millis>> reconcile(const std::string&) override {
    if (++looks_ == 1) throw std::runtime_error("worker");
    return settled();
  }

 private:
  std::atomic<int>& looks_;
};

TEST(ControlPlane, AMistakeInOneControllerDoesNotEndTheOthers) {
  RegistryFixture cluster;
  std::atomic<int> looks = 0;
  ControllerManager manager(*cluster, Log("test", -1, LogLevel::error), 1);
  manager.add(std::make_unique<Stumbling>(looks));
  manager.start();
  cluster.make("ConfigMap", "default", config_map_json("feed", "1"));
  cluster.make("ConfigMap", "default", config_map_json("worker", "1"));
  for (int i = 0; i < 2000 && looks < 2; ++i) std::this_thread::sleep_for(Millis(5));
  EXPECT_EQ(looks, 2);
}

}  // namespace
}  // namespace hoplab::reconcile
