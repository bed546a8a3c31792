#include "runtime/reconcile/endpoints_plan.h"

#include <algorithm>
#include <map>
#include <optional>

#include "runtime/reconcile/claim.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

std::optional<int64_t> named_port(const Json& pod, const std::string& name,
                                  const std::string& protocol) {
  for (const Json& container : list_or_empty(at_path(pod, "spec.containers"))) {
    for (const Json& port : list_or_empty(member(container, "ports"))) {
      if (string_or(port, "name") == name && string_or(port, "protocol", "TCP") == protocol) {
        return int_or(port, "containerPort");
      }
    }
  }
  return std::nullopt;
}

std::vector<BackendPort> ports_for(const Json& service, const Json& pod) {
  std::vector<BackendPort> ports;
  for (const Json& row : list_or_empty(at_path(service, "spec.ports"))) {
    BackendPort port{.name = string_or(row, "name"),
                     .protocol = string_or(row, "protocol", "TCP"),
                     .port = int_or(row, "port"),
                     .app_protocol = string_or(row, "appProtocol")};
    const Json& target = member(row, "targetPort");
    if (target.is_number_integer() && target.get<int64_t>() != 0) port.port = target.get<int64_t>();
    if (target.is_string() && target != "") {
      const auto number = named_port(pod, target.get<std::string>(), port.protocol);
      if (!number) continue;  // This pod does not offer the port.
      port.port = *number;
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

std::optional<Backend> backend_of(const Json& service, const Json& pod) {
  const std::string ip = string_or(member(pod, "status"), "podIP");
  if (ip.empty() || pod_is_finished(pod)) return std::nullopt;
  Backend backend{.ip = ip,
                  .node = node_name_of(pod),
                  .hostname = {},
                  .target = {{"kind", "Pod"},
                             {"name", api::name_of(pod)},
                             {"namespace", api::namespace_of(pod)},
                             {"uid", api::uid_of(pod)}},
                  .ready = false,
                  .serving = pod_is_ready(pod),
                  .terminating = is_deleting(pod)};
  const bool anyway = bool_or(member(service, "spec"), "publishNotReadyAddresses");
  backend.ready = anyway || (backend.serving && !backend.terminating);
  const Json& spec = member(pod, "spec");
  if (string_or(spec, "subdomain") == api::name_of(service)) {
    backend.hostname = string_or(spec, "hostname");
  }
  return backend;
}

Json address_json(const Backend& backend) {
  Json address = {{"ip", backend.ip}};
  if (!backend.node.empty()) address["nodeName"] = backend.node;
  if (!backend.hostname.empty()) address["hostname"] = backend.hostname;
  if (!backend.target.is_null()) address["targetRef"] = backend.target;
  return address;
}

Json ports_json(const std::vector<BackendPort>& ports) {
  Json list = Json::array();
  for (const BackendPort& port : ports) {
    Json row = {{"port", port.port}, {"protocol", port.protocol}};
    if (!port.name.empty()) row["name"] = port.name;
    if (!port.app_protocol.empty()) row["appProtocol"] = port.app_protocol;
    list.push_back(std::move(row));
  }
  return list;
}

}  // namespace

std::vector<BackendGroup> backends_of(const Json& service, const std::vector<SharedJson>& pods) {
  const Json& selector = at_path(service, "spec.selector");
  if (!selector.is_object() || selector.empty()) return {};
  const Json match = {{"matchLabels", selector}};
  std::map<std::vector<BackendPort>, std::vector<Backend>> groups;
  for (const SharedJson& pod : pods) {
    if (!selects(match, labels_of(*pod))) continue;
    auto backend = backend_of(service, *pod);
    if (!backend) continue;
    std::vector<BackendPort> ports = ports_for(service, *pod);
    const bool has_ports = !list_or_empty(at_path(service, "spec.ports")).empty();
    if (ports.empty() && has_ports) continue;
    groups[std::move(ports)].push_back(std::move(*backend));
  }
  std::vector<BackendGroup> sorted;
  for (auto& [ports, backends] : groups) {
    std::sort(backends.begin(), backends.end());
    sorted.push_back({.ports = ports, .backends = std::move(backends)});
  }
  return sorted;
}

bool backend_changed(const Json& before, const Json& now) {
  const auto same = [&](const char* path) { return at_path(before, path) == at_path(now, path); };
  return !(same("status.podIP") && same("metadata.labels") && same("spec.nodeName") &&
           same("metadata.uid") && is_deleting(before) == is_deleting(now) &&
           pod_is_finished(before) == pod_is_finished(now) &&
           pod_is_ready(before) == pod_is_ready(now));
}

Json endpoints_object(const Json& service, const std::vector<BackendGroup>& groups,
                      const Json* existing) {
  Json object = {
      {"apiVersion", "v1"},
      {"kind", "Endpoints"},
      {"metadata", {{"name", api::name_of(service)}, {"namespace", api::namespace_of(service)}}}};
  if (existing != nullptr) object["metadata"] = (*existing)["metadata"];
  Json labels = labels_of(service).is_object() ? labels_of(service) : Json::object();
  if (string_or(member(service, "spec"), "clusterIP") == "None") {
    labels["service.kubernetes.io/headless"] = "";
  }
  object["metadata"].erase("labels");
  if (!labels.empty()) object["metadata"]["labels"] = std::move(labels);
  Json subsets = Json::array();
  for (const BackendGroup& group : groups) {
    Json subset = Json::object();
    for (const Backend& backend : group.backends) {
      if (backend.terminating && !backend.ready) continue;
      const char* list = backend.ready ? "addresses" : "notReadyAddresses";
      subset[list].push_back(address_json(backend));
    }
    if (subset.empty()) continue;
    if (!group.ports.empty()) subset["ports"] = ports_json(group.ports);
    subsets.push_back(std::move(subset));
  }
  if (!subsets.empty()) object["subsets"] = std::move(subsets);
  return object;
}

std::vector<BackendGroup> groups_of_endpoints(const Json& endpoints) {
  std::vector<BackendGroup> groups;
  for (const Json& subset : list_or_empty(member(endpoints, "subsets"))) {
    BackendGroup group;
    for (const Json& port : list_or_empty(member(subset, "ports"))) {
      group.ports.push_back({.name = string_or(port, "name"),
                             .protocol = string_or(port, "protocol", "TCP"),
                             .port = int_or(port, "port"),
                             .app_protocol = string_or(port, "appProtocol")});
    }
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      const bool ready = std::string_view(list) == "addresses";
      for (const Json& address : list_or_empty(member(subset, list))) {
        group.backends.push_back({.ip = string_or(address, "ip"),
                                  .node = string_or(address, "nodeName"),
                                  .hostname = string_or(address, "hostname"),
                                  .target = member(address, "targetRef"),
                                  .ready = ready,
                                  .serving = ready,
                                  .terminating = false});
      }
    }
    std::sort(group.backends.begin(), group.backends.end());
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace hoplab::reconcile
