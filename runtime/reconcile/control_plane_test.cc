// Endpoints, nodes, namespaces and the controllers together.

#include <gtest/gtest.h>

#include "runtime/reconcile/bootstrap.h"
#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

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
