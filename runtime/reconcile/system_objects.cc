#include "runtime/reconcile/system_objects.h"

#include <utility>

namespace hoplab::reconcile {
namespace {

Json object(const char* api_version, const char* kind, const char* space, const char* name) {
  Json made = {{"apiVersion", api_version}, {"kind", kind}, {"metadata", {{"name", name}}}};
  if (*space != 0) made["metadata"]["namespace"] = space;
  return made;
}

Json kubernetes_service(const plan::ClusterConfig& config) {
  Json service = object("v1", "Service", "default", "kubernetes");
  service["metadata"]["labels"] = {{"component", "apiserver"}, {"provider", "kubernetes"}};
  service["spec"] = {{"type", "ClusterIP"},
                     {"clusterIP", to_string(config.service_network.network() + 1)},
                     {"sessionAffinity", "None"},
                     {"ports", Json::array({{{"name", "https"},
                                             {"port", 443},
                                             {"protocol", "TCP"},
                                             {"targetPort", config.api_port}}})}};
  return service;
}

Json ip_pool(const plan::ClusterConfig& config) {
  Json pool = object("crd.projectcalico.org/v1", "IPPool", "", "default-ipv4-ippool");
  const std::string& how = config.encapsulation;
  const char* ipip = how == "ipip"                ? "Always"
                     : how == "ipip-cross-subnet" ? "CrossSubnet"
                                                  : "Never";
  pool["spec"] = {{"cidr", to_string(config.pod_network)},
                  {"blockSize", config.block_size},
                  {"ipipMode", ipip},
                  {"vxlanMode", how == "vxlan" ? "Always" : "Never"},
                  {"natOutgoing", true},
                  {"nodeSelector", "all()"},
                  {"allowedUses", Json::array({"Workload", "Tunnel"})}};
  return pool;
}

Json host_path(const char* name, const char* path, const char* type) {
  return {{"name", name}, {"hostPath", {{"path", path}, {"type", type}}}};
}

Json mount(const char* name, const char* path, bool read_only) {
  Json made = {{"name", name}, {"mountPath", path}};
  if (read_only) made["readOnly"] = true;
  return made;
}

struct Role {
  const char* name;
  const char* image;
};

/// What the roles have in common: the node's own network, every right, and no need for a pod
/// network or a ready node to start.
Json role_daemon_set(const Role& role) {
  Json set = object("apps/v1", "DaemonSet", "kube-system", role.name);
  const Json labels = {{"k8s-app", role.name}};
  set["metadata"]["labels"] = labels;
  const Json container = {
      {"name", role.name},
      {"image", role.image},
      {"securityContext", {{"privileged", true}}},
      {"env", Json::array({{{"name", "NODENAME"},
                            {"valueFrom", {{"fieldRef", {{"fieldPath", "spec.nodeName"}}}}}}})},
      {"volumeMounts", Json::array({mount("pki", "/run/hoplab/pki", true),
                                    mount("cluster", "/run/hoplab/cluster.json", true)})}};
  const Json spec = {
      {"hostNetwork", true},
      {"serviceAccountName", role.name},
      // The roles have certificates of their own on the node.
      {"automountServiceAccountToken", false},
      {"priorityClassName", "system-node-critical"},
      {"nodeSelector", {{"kubernetes.io/os", "linux"}}},
      {"tolerations", Json::array({{{"operator", "Exists"}}})},
      {"terminationGracePeriodSeconds", 5},
      {"containers", Json::array({container})},
      {"volumes", Json::array({host_path("pki", "/run/hoplab/pki", "Directory"),
                               host_path("cluster", "/run/hoplab/cluster.json", "File")})}};
  set["spec"] = {
      {"selector", {{"matchLabels", labels}}},
      {"updateStrategy", {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", 1}}}}},
      {"template", {{"metadata", {{"labels", labels}}}, {"spec", spec}}}};
  return set;
}

Json calico_node() {
  Json set = role_daemon_set({"calico-node", "docker.io/calico/node:v3.21.6"});
  Json& spec = set["spec"]["template"]["spec"];
  // Its network configuration is what makes the node ready.
  spec["volumes"].push_back(host_path("cni-net-dir", "/etc/cni/net.d", "DirectoryOrCreate"));
  spec["containers"][0]["volumeMounts"].push_back(mount("cni-net-dir", "/etc/cni/net.d", false));
  return set;
}

}  // namespace

Json kubernetes_endpoints(const plan::ClusterConfig& config) {
  Json endpoints = object("v1", "Endpoints", "default", "kubernetes");
  endpoints["subsets"] = Json::array(
      {{{"addresses", Json::array({{{"ip", to_string(config.control_plane()->address())}}})},
        {"ports",
         Json::array({{{"name", "https"}, {"port", config.api_port}, {"protocol", "TCP"}}})}}});
  return endpoints;
}

std::vector<Json> system_objects(const plan::ClusterConfig* config) {
  std::vector<Json> objects;
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    objects.push_back(object("v1", "Namespace", "", name));
  }
  if (config == nullptr || config->control_plane() == nullptr) return objects;
  objects.push_back(kubernetes_service(*config));
  objects.push_back(kubernetes_endpoints(*config));
  objects.push_back(ip_pool(*config));
  for (const char* name : {"calico-node", "kube-proxy"}) {
    objects.push_back(object("v1", "ServiceAccount", "kube-system", name));
  }
  objects.push_back(calico_node());
  objects.push_back(role_daemon_set({"kube-proxy", "k8s.gcr.io/kube-proxy:v1.22.6"}));
  return objects;
}

}  // namespace hoplab::reconcile
