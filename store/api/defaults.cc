#include <map>

#include "runtime/base/base64.h"
#include "runtime/base/text.h"
#include "store/api/quantity.h"
#include "store/api/schema.h"
#include "store/api/schema_table.h"

namespace hoplab::api {

namespace {

void set_default(Json& object, const char* key, Json value) {
  if (member(object, key).is_null()) object[key] = std::move(value);
}

/// "latest" or no tag at all is pulled every time. The colon of "host:5000/name" is no tag.
void default_container(Json& container) {
  std::string image = string_or(container, "image");
  bool digest = image.find('@') != std::string::npos;
  auto colon = image.find(':', image.rfind('/') == std::string::npos ? 0 : image.rfind('/'));
  std::string tag = colon == std::string::npos ? "latest" : image.substr(colon + 1);
  if (image.empty()) return;
  set_default(container, "imagePullPolicy", !digest && tag == "latest" ? "Always" : "IfNotPresent");
}

void default_volume(Json& volume) {
  if (volume.size() == 1 && volume.contains("name")) volume["emptyDir"] = Json::object();
}

void default_strategy(Json& strategy) {
  if (string_or(strategy, "type", "RollingUpdate") == "RollingUpdate") {
    set_default(strategy, "rollingUpdate", Json::object());
  }
}

/// What a request for a Pod leaves out is its limit.
void default_pod_requests(Json& container) {
  auto resources = container.find("resources");
  if (resources == container.end() || !resources->is_object()) return;
  const Json limits = member(*resources, "limits");
  if (!limits.is_object()) return;
  Json requests = member(*resources, "requests");
  if (!requests.is_object()) requests = Json::object();
  for (auto it = limits.begin(); it != limits.end(); ++it) {
    if (!requests.contains(it.key())) requests[it.key()] = *it;
  }
  if (!requests.empty()) (*resources)["requests"] = std::move(requests);
}

void default_pod_spec(Json& spec) {
  if (!bool_or(spec, "hostNetwork")) return;
  for (const char* list : {"containers", "initContainers"}) {
    auto containers = spec.find(list);
    if (containers == spec.end() || !containers->is_array()) continue;
    for (Json& container : *containers) {
      if (!container.is_object() || !member(container, "ports").is_array()) continue;
      for (Json& port : container["ports"]) {
        if (port.is_object()) set_default(port, "hostPort", member(port, "containerPort"));
      }
    }
  }
}

/// A Pod itself, not a template of one.
void default_pod(Json& pod) {
  auto spec = pod.find("spec");
  if (spec == pod.end() || !spec->is_object()) return;
  for (const char* list : {"containers", "initContainers"}) {
    auto containers = spec->find(list);
    if (containers == spec->end() || !containers->is_array()) continue;
    for (Json& container : *containers) {
      if (container.is_object()) default_pod_requests(container);
    }
  }
}

void default_service_port(Json& port) {
  const Json& target = member(port, "targetPort");
  if (target.is_null() || target == 0 || target == "") port["targetPort"] = member(port, "port");
}

void default_service(Json& spec) {
  std::string type = string_or(spec, "type", "ClusterIP");
  bool outside = type == "NodePort" || type == "LoadBalancer";
  if (string_or(spec, "sessionAffinity") == "ClientIP") {
    set_default(spec, "sessionAffinityConfig", Json::object());
    if (spec["sessionAffinityConfig"].is_object()) {
      set_default(spec["sessionAffinityConfig"], "clientIP", {{"timeoutSeconds", 10800}});
    }
  } else {
    spec.erase("sessionAffinityConfig");
  }
  if (outside) set_default(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") set_default(spec, "allocateLoadBalancerNodePorts", true);
  if (type == "ExternalName") return;
  set_default(spec, "internalTrafficPolicy", "Cluster");
  set_default(spec, "ipFamilies", {"IPv4"});
  set_default(spec, "ipFamilyPolicy", "SingleStack");
}

void default_secret(Json& secret) {
  auto text = secret.find("stringData");
  if (text == secret.end() || !text->is_object()) return;
  Json data = member(secret, "data");
  if (!data.is_object()) data = Json::object();
  for (auto it = text->begin(); it != text->end(); ++it) {
    if (!it->is_string()) return;
    data[it.key()] = base64_encode(it->get_ref<const std::string&>());
  }
  secret["data"] = std::move(data);
  secret.erase("stringData");
}

void default_namespace(Json& object) {
  if (!member(object, "status").is_object()) object["status"] = Json::object();
  set_default(object["status"], "phase", "Active");
  if (!member(object, "metadata").is_object()) return;
  Json& metadata = object["metadata"];
  if (!member(metadata, "labels").is_object()) metadata["labels"] = Json::object();
  set_default(metadata["labels"], "kubernetes.io/metadata.name", member(metadata, "name"));
}

using Hook = void (*)(Json&);

/// Run on an object before its fields' own defaults.
Hook hook_of(std::string_view type) {
  static const std::map<std::string_view, Hook> hooks = {
      {"Container", default_container},
      {"Volume", default_volume},
      {"DeploymentStrategy", default_strategy},
      {"DaemonSetUpdateStrategy", default_strategy},
      {"PodSpec", default_pod_spec},
      {"Pod", default_pod},
      {"ServicePort", default_service_port},
      {"ServiceSpec", default_service},
      {"Secret", default_secret},
      {"Namespace", default_namespace},
  };
  auto found = hooks.find(type);
  return found == hooks.end() ? nullptr : found->second;
}

void fill(const TypeTable& table, Json& object);

void normalize_quantity(Json& value) {
  auto quantity = quantity_of(value);
  if (quantity) value = to_string(*quantity);
}

void fill_value(const Field& field, Json& value) {
  if (field.type == ValueType::quantity) return normalize_quantity(value);
  if (field.object != nullptr) fill(*field.object, value);
}

void fill(const TypeTable& table, Json& object) {
  if (!object.is_object()) return;
  if (Hook hook = hook_of(table.name)) hook(object);
  for (const Field& field : table.fields) {
    if (field.name == "status" || field.name == "metadata") continue;
    auto it = object.find(field.name);
    if ((it == object.end() || it->is_null()) && field.default_value) {
      it = object.emplace(std::string(field.name), *field.default_value).first;
      if (it->is_null()) *it = *field.default_value;
    }
    if (it == object.end()) continue;
    if (field.shape == Shape::single) {
      fill_value(field, *it);
    } else if (it->is_structured()) {
      for (Json& item : *it) fill_value(field, item);
    }
  }
}

bool is_empty_map_of_metadata(std::string_view parent, std::string_view key, const Json& value) {
  return parent == "metadata" && (key == "labels" || key == "annotations") && value.empty();
}

void prune(std::string_view parent, Json& value) {
  if (value.is_array()) {
    for (Json& item : value) prune({}, item);
  }
  if (!value.is_object()) return;
  for (auto it = value.begin(); it != value.end();) {
    if (it->is_structured()) prune(it.key(), *it);
    bool noise = it->is_null() || is_empty_map_of_metadata(parent, it.key(), *it);
    it = noise ? value.erase(it) : std::next(it);
  }
}

}  // namespace

void apply_defaults(const Kind& kind, Json& object) {
  fill(table_of(kind), object);
}

void prune_noise(Json& object) {
  prune({}, object);
}

}  // namespace hoplab::api
