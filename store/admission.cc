#include "store/admission.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

constexpr std::string_view token_path = "/var/run/secrets/kubernetes.io/serviceaccount";

/// DefaultTolerationSeconds: a pod stays five minutes on a node that is lost.
void add_default_tolerations(Json& spec) {
  Json& tolerations = spec["tolerations"];
  if (tolerations.is_null()) tolerations = Json::array();
  if (!tolerations.is_array()) return;
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const bool covered = std::any_of(tolerations.begin(), tolerations.end(), [&](const Json& t) {
      const std::string effect = string_or(t, "effect");
      const std::string for_key = string_or(t, "key");
      return (for_key == key || for_key.empty()) && (effect.empty() || effect == "NoExecute");
    });
    if (covered) continue;
    tolerations.push_back({{"key", key},
                           {"operator", "Exists"},
                           {"effect", "NoExecute"},
                           {"tolerationSeconds", 300}});
  }
}

void admit_pod(Json& pod) {
  if (!member(pod, "spec").is_object()) return;
  Json& spec = pod["spec"];
  if (string_or(spec, "serviceAccountName").empty()) {
    const std::string old_name = string_or(spec, "serviceAccount");
    spec["serviceAccountName"] = old_name.empty() ? "default" : old_name;
  }
  spec["serviceAccount"] = spec["serviceAccountName"];
  if (!spec.contains("priority")) spec["priority"] = 0;
  if (!spec.contains("preemptionPolicy")) spec["preemptionPolicy"] = "PreemptLowerPriority";
  add_default_tolerations(spec);
  pod["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(pod)}};
}

void admit_namespace(Json& object) {
  object["metadata"]["labels"]["kubernetes.io/metadata.name"] = api::name_of(object);
  object["spec"] = {{"finalizers", Json::array({"kubernetes"})}};
  object["status"] = {{"phase", "Active"}};
}

}  // namespace

bool has_generation(const api::Kind& kind) {
  return !kind.group.empty() && kind.kind != "Lease" && kind.kind != "Event";
}

bool spec_changed(const Json& before, const Json& now) {
  if (!before.is_object() || !now.is_object()) return before != now;
  const auto counts = [](const std::string& key) { return key != "metadata" && key != "status"; };
  const auto differs = [&](const Json& a, const Json& b) {
    return std::any_of(a.items().begin(), a.items().end(), [&](const auto& item) {
      return counts(item.key()) && member(b, item.key()) != item.value();
    });
  };
  return differs(before, now) || differs(now, before);
}

void admit_new(const api::Kind& kind, Json& object) {
  if (kind.kind == "Pod") admit_pod(object);
  if (kind.kind == "Namespace") admit_namespace(object);
  if (kind.kind == "Service") object["status"] = {{"loadBalancer", Json::object()}};
  if (kind.kind == "Deployment" || kind.kind == "DaemonSet") object["status"] = Json::object();
  if (kind.kind == "DaemonSet") {
    object["metadata"]["annotations"][std::string(template_generation)] = "1";
  }
  if (kind.kind == "ReplicaSet") object["status"] = {{"replicas", 0}};
  if (kind.kind == "Secret" && !object.contains("type")) object["type"] = "Opaque";
}

void admit_update(const api::Kind& kind, const Json& current, Json& wanted) {
  if (kind.kind != "DaemonSet") return;
  const Json& notes = member(member(current, "metadata"), "annotations");
  const std::string key(template_generation);
  int64_t generation = std::max<int64_t>(1, std::atoll(string_or(notes, key).c_str()));
  if (at_path(current, "spec.template") != at_path(wanted, "spec.template")) ++generation;
  wanted["metadata"]["annotations"][key] = std::to_string(generation);
}

std::string qos_class(const Json& pod) {
  bool any = false;
  bool all_limited = true;
  const Json& containers = member(member(pod, "spec"), "containers");
  for (const Json& container : containers.is_array() ? containers : Json::array()) {
    const Json& resources = member(container, "resources");
    const Json& requests = member(resources, "requests");
    const Json& limits = member(resources, "limits");
    any = any || !requests.empty() || !limits.empty();
    for (const char* resource : {"cpu", "memory"}) {
      const Json& limit = member(limits, resource);
      const Json& request = member(requests, resource);
      if (limit.is_null() || (!request.is_null() && request != limit)) all_limited = false;
    }
  }
  if (!any) return "BestEffort";
  return all_limited ? "Guaranteed" : "Burstable";
}

void mount_service_account(Json& pod, const Json& account) {
  Json& spec = pod["spec"];
  if (!bool_or(account, "automountServiceAccountToken", true) &&
      !bool_or(spec, "automountServiceAccountToken", false)) {
    return;
  }
  if (!bool_or(spec, "automountServiceAccountToken", true)) return;
  const Json& secrets = member(account, "secrets");
  if (!secrets.is_array() || secrets.empty()) return;
  const std::string secret = string_or(secrets[0], "name");
  bool used = false;
  for (const char* list : {"initContainers", "containers"}) {
    if (!member(spec, list).is_array()) continue;
    for (Json& container : spec[list]) {
      if (!container.is_object()) continue;
      Json& mounts = container["volumeMounts"];
      if (mounts.is_null()) mounts = Json::array();
      if (!mounts.is_array()) continue;
      const bool taken = std::any_of(mounts.begin(), mounts.end(), [](const Json& mount) {
        return string_or(mount, "mountPath") == token_path;
      });
      if (taken) continue;
      mounts.push_back({{"name", secret}, {"mountPath", token_path}, {"readOnly", true}});
      used = true;
    }
  }
  if (!used) return;
  Json& volumes = spec["volumes"];
  if (volumes.is_null()) volumes = Json::array();
  if (!volumes.is_array()) return;
  volumes.push_back({{"name", secret}, {"secret", {{"secretName", secret}, {"defaultMode", 420}}}});
}

}  // namespace hoplab
