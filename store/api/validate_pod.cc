#include <algorithm>
#include <set>

#include "runtime/base/text.h"
#include "store/api/validate_rules.h"

namespace hoplab::api {

using namespace field_error;

namespace {

std::set<std::string> names_in(const Json& spec, const char* list) {
  std::set<std::string> names;
  const Json& items = member(spec, list);
  if (items.is_array()) {
    for (const Json& item : items) names.insert(string_or(item, "name"));
  }
  return names;
}

/// Names are unique among all containers of a pod; their mounts name volumes of the pod.
void check_containers(const Json& spec, const std::string& path, Causes& out) {
  auto volumes = names_in(spec, "volumes");
  auto init_names = names_in(spec, "initContainers");
  for_each_item(spec, "containers", path, [&](const Json& container, const std::string& at) {
    std::string name = string_or(container, "name");
    if (!name.empty() && init_names.contains(name)) out.push_back(duplicate(at + ".name", name));
  });
  for (const char* list : {"initContainers", "containers"}) {
    for_each_item(spec, list, path, [&](const Json& container, const std::string& at) {
      for_each_item(container, "volumeMounts", at,
                    [&](const Json& mount, const std::string& place) {
                      std::string name = string_or(mount, "name");
                      if (!name.empty() && !volumes.contains(name)) {
                        out.push_back(not_found(place + ".name", name));
                      }
                    });
    });
  }
}

/// One host port can be taken once per pod.
void check_host_ports(const Json& spec, const std::string& path, Causes& out) {
  std::set<std::string> taken;
  bool host_network = bool_or(spec, "hostNetwork");
  for_each_item(spec, "containers", path, [&](const Json& container, const std::string& at) {
    for_each_item(container, "ports", at, [&](const Json& port, const std::string& place) {
      int64_t host_port = int_or(port, "hostPort");
      if (host_port == 0) return;
      if (host_network && host_port != int_or(port, "containerPort")) {
        out.push_back(invalid(place + ".containerPort", int_or(port, "containerPort"),
                              "must match `hostPort` when `hostNetwork` is true"));
      }
      std::string key =
          str(string_or(port, "protocol", "TCP"), "/", string_or(port, "hostIP"), "/", host_port);
      if (!taken.insert(key).second) out.push_back(duplicate(place + ".hostPort", key));
    });
  });
}

void check_dns(const Json& spec, const std::string& path, Causes& out) {
  const Json& config = member(spec, "dnsConfig");
  const Json& servers = member(config, "nameservers");
  if (string_or(spec, "dnsPolicy") == "None" && servers.empty()) {
    out.push_back(required(path + ".dnsConfig.nameservers",
                           "must provide at least one DNS nameserver when `dnsPolicy` is None"));
  }
  if (servers.is_array() && servers.size() > 3) {
    out.push_back(
        invalid(path + ".dnsConfig.nameservers", servers, "must not have more than 3 nameservers"));
  }
  for_each_item(config, "nameservers", path + ".dnsConfig",
                [&](const Json& server, const std::string& at) {
                  add_problems(ip_problems(server.get<std::string>()), at, server, out);
                });
}

/// What a running pod may still change, taken out of both versions before they are compared.
Json fixed_part(const Json& pod) {
  Json spec = member(pod, "spec");
  if (!spec.is_object()) return spec;
  for (const char* free : {"activeDeadlineSeconds", "tolerations", "nodeName",
                           "terminationGracePeriodSeconds", "ephemeralContainers"}) {
    spec.erase(free);
  }
  for (const char* list : {"containers", "initContainers"}) {
    auto found = spec.find(list);
    if (found == spec.end() || !found->is_array()) continue;
    for (Json& container : *found) {
      if (container.is_object()) container.erase("image");
    }
  }
  return spec;
}

/// Paths that differ, for people: "spec.hostNetwork, spec.containers[0].env".
void differences(const Json& a, const Json& b, const std::string& path, int depth,
                 std::vector<std::string>& out) {
  if (a == b) return;
  if (depth == 0 || !a.is_structured() || a.type() != b.type() ||
      (a.is_array() && a.size() != b.size())) {
    out.push_back(path);
    return;
  }
  if (a.is_array()) {
    for (size_t i = 0; i < a.size(); ++i) {
      differences(a[i], b[i], str(path, "[", i, "]"), depth - 1, out);
    }
    return;
  }
  std::set<std::string> keys;
  for (const Json* side : {&a, &b}) {
    for (auto it = side->begin(); it != side->end(); ++it) keys.insert(it.key());
  }
  for (const auto& key : keys) {
    differences(member(a, key), member(b, key), str(path, ".", key), depth - 1, out);
  }
}

}  // namespace

void check_pod_spec(const Json& spec, const std::string& path, Causes& out) {
  check_containers(spec, path, out);
  check_host_ports(spec, path, out);
  check_dns(spec, path, out);
  check_label_map(member(spec, "nodeSelector"), path + ".nodeSelector", out);
  if (bool_or(spec, "shareProcessNamespace") && bool_or(spec, "hostPID")) {
    out.push_back(invalid(path + ".shareProcessNamespace", true,
                          "ShareProcessNamespace and HostPID cannot both be enabled"));
  }
  for_each_item(spec, "initContainers", path, [&](const Json& container, const std::string& at) {
    bool sidecar = string_or(container, "restartPolicy") == "Always";
    for (const char* field : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (!sidecar && container.contains(field)) {
        out.push_back(forbidden(str(at, ".", field),
                                "may not be set for init containers without restartPolicy=Always"));
      }
    }
  });
  for_each_item(spec, "hostAliases", path, [&](const Json& alias, const std::string& at) {
    for_each_item(alias, "hostnames", at, [&](const Json& name, const std::string& place) {
      add_problems(dns1123_subdomain_problems(name.get<std::string>()), place, name, out);
    });
  });
}

void check_affinity_term(const Json& term, const std::string& path, Causes& out) {
  for_each_item(term, "namespaces", path, [&](const Json& name, const std::string& at) {
    add_problems(dns1123_label_problems(name.get<std::string>()), at, name, out);
  });
}

void check_toleration(const Json& toleration, const std::string& path, Causes& out) {
  std::string op = string_or(toleration, "operator");
  if (string_or(toleration, "key").empty() && op != "Exists") {
    out.push_back(invalid(path + ".operator", op,
                          "operator must be Exists when `key` is empty, which means \"match all "
                          "values and all keys\""));
  }
  if (op == "Exists" && !string_or(toleration, "value").empty()) {
    out.push_back(invalid(path + ".operator", toleration.at("value"),
                          "value must be empty when `operator` is 'Exists'"));
  }
  if (toleration.contains("tolerationSeconds") && string_or(toleration, "effect") != "NoExecute") {
    out.push_back(invalid(path + ".effect", string_or(toleration, "effect"),
                          "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  }
}

void check_pod_update(const Json& object, const Json& old_object, Causes& out) {
  const Json& node = member(member(object, "spec"), "nodeName");
  const Json& old_node = member(member(old_object, "spec"), "nodeName");
  std::vector<std::string> changed;
  differences(fixed_part(object), fixed_part(old_object), "spec", 4, changed);
  // Only the scheduler sets it, once.
  if (!old_node.is_null() && old_node != "" && node != old_node)
    changed.emplace_back("spec.nodeName");
  if (changed.empty()) return;
  out.push_back(forbidden(
      "spec", str("pod updates may not change fields other than `spec.containers[*].image`, "
                  "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, "
                  "`spec.tolerations` (only additions to existing tolerations) or "
                  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                  "previously negative); changed: ",
                  join(changed, ", "))));
}

}  // namespace hoplab::api
