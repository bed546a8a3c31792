#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/reconcile/controller_manager.h"
#include "runtime/reconcile/object_state.h"
#include "store/registry_fixture.h"

namespace hoplab::reconcile {

inline const api::Kind& kind(std::string_view name) {
  return api::kind_of(name);
}

/// A whole control plane with pretended nodes, for tests. Pods become Ready when settle() plays the
/// kubelets.
class ControlPlaneFixture {
 public:
  explicit ControlPlaneFixture(ControllerOptions options = {})
      : manager(ControllerManager::standard(*cluster, cluster.clock,
                                            Log("test", 2, LogLevel::error), options)) {
    cluster.make("Namespace", "", {{"metadata", {{"name", "kube-node-lease"}}}});
  }

  void start() { manager->start(); }

  void add_node(const std::string& name, Json labels = Json::object(), Json taints = nullptr) {
    labels["kubernetes.io/hostname"] = name;
    Json node = {{"metadata", {{"name", name}, {"labels", std::move(labels)}}},
                 {"status",
                  {{"allocatable", {{"cpu", "2"}, {"memory", "2Gi"}, {"pods", "110"}}},
                   {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}}}};
    if (!taints.is_null()) node["spec"]["taints"] = std::move(taints);
    cluster.make("Node", "", std::move(node));
  }

  /// One round of all kubelets; false when there was nothing to do.
  bool play_kubelets() {
    bool busy = false;
    for (const SharedJson& pod : cluster->all(api::kind_of("Pod"))) {
      const std::string node = node_name_of(*pod);
      if (node.empty() || silent.contains(node)) continue;
      const std::string space = api::namespace_of(*pod);
      const std::string name = api::name_of(*pod);
      if (is_deleting(*pod)) {
        busy = true;
        EXPECT_TRUE(cluster
                        ->remove(api::kind_of("Pod"), space, name,
                                 {.grace_seconds = 0, .precondition_uid = {}})
                        .ok());
      } else if (!pod_is_ready(*pod) && !broken.contains(name.substr(0, name.find('-')))) {
        busy = true;
        make_ready(space, name);
      }
    }
    return busy;
  }

  void make_ready(const std::string& space, const std::string& name) {
    const Json status = {
        {"phase", "Running"},
        {"podIP", str("172.16.0.", next_ip_++ % 250 + 1)},
        {"conditions", Json::array({{{"type", "Ready"},
                                     {"status", "True"},
                                     {"lastTransitionTime", to_rfc3339(cluster.clock.wall())}}})}};
    EXPECT_TRUE(cluster
                    ->patch(api::kind_of("Pod"), space, name, PatchType::merge,
                            {{"status", status}}, Subresource::status)
                    .ok());
  }

  /// Until neither controllers nor kubelets have anything to do.
  void settle() {
    for (int round = 0; round < 200; ++round) {
      ASSERT_TRUE(manager->wait_idle(Millis(10'000)));
      if (!play_kubelets()) return;
    }
    FAIL() << "the cluster does not come to rest";
  }

  std::vector<SharedJson> pods(const std::string& space = "default") {
    return cluster->all(api::kind_of("Pod"), space);
  }
  std::vector<std::string> events(const std::string& reason) {
    std::vector<std::string> messages;
    for (const SharedJson& event : cluster->all(api::kind_of("Event"))) {
      if (string_or(*event, "reason") == reason) messages.push_back(string_or(*event, "message"));
    }
    return messages;
  }

  RegistryFixture cluster;
  std::unique_ptr<ControllerManager> manager;
  std::set<std::string> silent;  ///< Nodes whose kubelet does nothing.
  std::set<std::string> broken;  ///< Pods whose name starts so never become ready.

 private:
  int next_ip_ = 0;
};

inline Json deployment_json(const std::string& name, int replicas,
                            const std::string& image = "nginx") {
  const Json labels = {{"app", name}};
  return {
      {"metadata", {{"name", name}}},
      {"spec",
       {{"replicas", replicas},
        {"selector", {{"matchLabels", labels}}},
        {"template",
         {{"metadata", {{"labels", labels}}},
          {"spec",
           {{"containers",
             Json::array(
                 {{{"name", "c"},
                   {"image", image},
                   {"ports", Json::array({{{"name", "http"}, {"containerPort", 80}}})}}})}}}}}}}};
}

inline Json service_json(const std::string& name, const Json& target_port) {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"selector", {{"app", name}}},
            {"ports", Json::array({{{"port", 80}, {"targetPort", target_port}}})}}}};
}

}  // namespace hoplab::reconcile
