#include "runtime/reconcile/scheduler_plan.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

SharedJson node(const std::string& name, const Json& change = Json::object()) {
  Json object = {{"metadata", {{"name", name}, {"labels", {{"kubernetes.io/hostname", name}}}}},
                 {"spec", Json::object()},
                 {"status", {{"allocatable", {{"cpu", "1"}, {"memory", "1Gi"}, {"pods", "3"}}}}}};
  object.merge_patch(change);
  return std::make_shared<const Json>(std::move(object));
}

SharedJson pod(const std::string& name, const Json& spec = Json::object(),
               const std::string& owner = "") {
  Json object = pod_json(name);
  object["metadata"]["namespace"] = "default";
  object["spec"].merge_patch(spec);
  if (!owner.empty()) {
    object["metadata"]["ownerReferences"] = Json::array(
        {{{"kind", "ReplicaSet"}, {"name", owner}, {"uid", owner}, {"controller", true}}});
  }
  return std::make_shared<const Json>(std::move(object));
}

Json requests(const char* resource, const char* amount) {
  return {{"containers", Json::array({{{"name", "c"},
                                       {"image", "i"},
                                       {"resources", {{"requests", {{resource, amount}}}}}}})}};
}

std::vector<std::string> nodes_of(const std::vector<Placement>& placements) {
  std::vector<std::string> nodes;
  for (const Placement& p : placements) nodes.push_back(p.node.empty() ? p.reason : p.node);
  return nodes;
}

std::string only(const SharedJson& wanted, const std::vector<SharedJson>& nodes) {
  return nodes_of(place_pods({wanted}, nodes)).at(0);
}

TEST(Scheduler, SpreadsByOwnerThenByLoad) {
  EXPECT_EQ(nodes_of(place_pods({pod("a", {}, "web"), pod("b", {}, "web"), pod("c", {}, "web"),
                                 pod("x", {{"nodeName", "n1"}}), pod("y")},
                                {node("n1"), node("n2")})),
            (std::vector<std::string>{"n2", "n1", "n2", "n1"}));
}

TEST(Scheduler, SelectorsAndAffinity) {
  const std::vector<SharedJson> nodes = {
      node("n1"), node("n2", {{"metadata", {{"labels", {{"disk", "ssd"}}}}}})};
  EXPECT_EQ(only(pod("p", {{"nodeSelector", {{"disk", "ssd"}}}}), nodes), "n2");
  const auto affinity = [](const Json& term) {
    return Json{{"affinity",
                 {{"nodeAffinity",
                   {{"requiredDuringSchedulingIgnoredDuringExecution",
                     {{"nodeSelectorTerms", Json::array({term})}}}}}}}};
  };
  EXPECT_EQ(only(pod("p", affinity({{"matchExpressions",
                                     Json::array({{{"key", "disk"}, {"operator", "Exists"}}})}})),
                 nodes),
            "n2");
  EXPECT_EQ(only(pod("p", affinity({{"matchFields", Json::array({{{"key", "metadata.name"},
                                                                  {"operator", "In"},
                                                                  {"values", {"n2"}}}})}})),
                 nodes),
            "n2");
  EXPECT_EQ(only(pod("p", {{"nodeSelector", {{"disk", "tape"}}}}), nodes),
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.");
}

TEST(Scheduler, TaintsCordonsPortsAndRoom) {
  const Json taint = {{"key", "k"}, {"value", "v"}, {"effect", "NoSchedule"}};
  const std::vector<SharedJson> tainted = {
      node("n1", {{"spec", {{"taints", Json::array({taint})}}}}),
      node("n2", {{"spec", {{"unschedulable", true}}}})};
  EXPECT_EQ(only(pod("p"), tainted),
            "0/2 nodes are available: 1 node(s) had taint {k: v}, that the pod didn't tolerate, 1 "
            "node(s) were unschedulable.");
  EXPECT_EQ(
      only(pod("p", {{"tolerations", Json::array({{{"key", "k"}, {"value", "v"}}})}}), tainted),
      "n1");
  EXPECT_EQ(only(pod("p", requests("cpu", "1500m")), {node("n1")}),
            "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(only(pod("p", requests("memory", "2Gi")), {node("n1")}),
            "0/1 nodes are available: 1 Insufficient memory.");
  EXPECT_EQ(only(pod("p"), {}), "no nodes available to schedule pods");
  const Json port = {
      {"containers",
       Json::array({{{"name", "c"},
                     {"image", "i"},
                     {"ports", Json::array({{{"containerPort", 80}, {"hostPort", 80}}})}}})}};
  EXPECT_EQ(nodes_of(place_pods({pod("a", port), pod("b", port)}, {node("n1")})),
            (std::vector<std::string>{"n1",
                                      "0/1 nodes are available: 1 node(s) didn't have free ports "
                                      "for the requested pod ports."}));
  EXPECT_EQ(nodes_of(place_pods({pod("a"), pod("b"), pod("c"), pod("d")}, {node("n1")})).back(),
            "0/1 nodes are available: 1 Too many pods.");
}

TEST(Scheduler, SaysWhatKubeSchedulerSays) {
  const Json master = {
      {"key", "node-role.kubernetes.io/master"}, {"value", ""}, {"effect", "NoSchedule"}};
  const std::vector<SharedJson> nodes = {node("m", {{"spec", {{"taints", Json::array({master})}}}}),
                                         node("n1"), node("n2")};
  // The taint counts before the selector.
  EXPECT_EQ(only(pod("p", {{"nodeSelector", {{"disk", "ssd"}}}}), nodes),
            "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that "
            "the pod didn't tolerate, 2 node(s) didn't match Pod's node affinity/selector.");
  // All that is short is named.
  Json large = requests("cpu", "5");
  large["containers"][0]["resources"]["requests"]["memory"] = "5Gi";
  large["containers"][0]["resources"]["requests"]["example.com/gpu"] = "1";
  EXPECT_EQ(only(pod("p", large), {node("n1")}),
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 "
            "Insufficient memory.");
  // An initContainer needs its share before the others start, not together with them.
  Json starts_large = requests("cpu", "500m");
  starts_large["initContainers"] = requests("cpu", "800m")["containers"];
  EXPECT_EQ(only(pod("p", starts_large), {node("n1")}), "n1");
  starts_large["initContainers"] = requests("cpu", "1200m")["containers"];
  EXPECT_EQ(only(pod("p", starts_large), {node("n1")}),
            "0/1 nodes are available: 1 Insufficient cpu.");
}

TEST(Scheduler, LeavesOtherPodsAlone) {
  EXPECT_FALSE(needs_node(*pod("p", {{"nodeName", "n1"}})));
  EXPECT_FALSE(needs_node(*pod("p", {{"schedulerName", "mine"}})));
  Json done = *pod("p");
  done["status"] = {{"phase", "Failed"}};
  EXPECT_FALSE(needs_node(done));
}

}  // namespace
}  // namespace hoplab::reconcile
