#include <algorithm>
#include <map>

#include "runtime/reconcile/endpoints_plan.h"
#include "runtime/reconcile/object_state.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {
namespace {

constexpr size_t slice_limit = 100;

Json endpoint_json(const Backend& backend) {
  Json endpoint = {{"addresses", Json::array({backend.ip})},
                   {"conditions",
                    {{"ready", backend.ready},
                     {"serving", backend.serving},
                     {"terminating", backend.terminating}}}};
  if (!backend.node.empty()) endpoint["nodeName"] = backend.node;
  if (!backend.hostname.empty()) endpoint["hostname"] = backend.hostname;
  if (!backend.target.is_null()) endpoint["targetRef"] = backend.target;
  return endpoint;
}

Json slice_ports(const std::vector<BackendPort>& ports) {
  Json list = Json::array();
  for (const BackendPort& port : ports) {
    Json row = {{"name", port.name}, {"port", port.port}, {"protocol", port.protocol}};
    if (!port.app_protocol.empty()) row["appProtocol"] = port.app_protocol;
    list.push_back(std::move(row));
  }
  return list;
}

Json slice_labels(const Json& service, const std::string& owner_label) {
  Json labels = labels_of(service).is_object() ? labels_of(service) : Json::object();
  if (string_or(member(service, "spec"), "clusterIP") == "None") {
    labels["service.kubernetes.io/headless"] = "";
  }
  labels["kubernetes.io/service-name"] = api::name_of(service);
  labels["endpointslice.kubernetes.io/managed-by"] = owner_label;
  return labels;
}

Json new_slice(const Json& service, const std::string& owner_label) {
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"addressType", "IPv4"},
          {"metadata",
           {{"generateName", api::name_of(service) + "-"},
            {"namespace", api::namespace_of(service)},
            {"labels", slice_labels(service, owner_label)},
            {"ownerReferences", Json::array({controller_reference(service)})}}}};
}

const Json& list_of(const Json& slice, const char* field) {
  static const Json empty = Json::array();
  const Json& list = member(slice, field);
  return list.is_array() ? list : empty;
}

std::string first_address(const Json& endpoint) {
  const Json& addresses = list_of(endpoint, "addresses");
  return !addresses.empty() && addresses[0].is_string() ? addresses[0].get<std::string>() : "";
}

/// A slice while it is being packed.
struct Packing {
  const Json* existing = nullptr;
  Json endpoints = Json::array();
};

/// Keeps what is still wanted where it is, removing it from `missing`.
Packing keep(const Json& slice, std::map<std::string, Json>& missing) {
  Packing packing{.existing = &slice, .endpoints = Json::array()};
  for (const Json& endpoint : list_of(slice, "endpoints")) {
    const auto it = missing.find(first_address(endpoint));
    if (it == missing.end()) continue;
    packing.endpoints.push_back(std::move(it->second));
    missing.erase(it);
  }
  return packing;
}

void pack_group(const Json& service, const BackendGroup& group, std::vector<Packing> packings,
                std::map<std::string, Json> missing, const std::string& owner_label,
                SlicePlan& plan) {
  for (Packing& packing : packings) {
    while (packing.endpoints.size() < slice_limit && !missing.empty()) {
      packing.endpoints.push_back(std::move(missing.begin()->second));
      missing.erase(missing.begin());
    }
  }
  while (!missing.empty() || packings.empty()) {
    Packing fresh;
    while (fresh.endpoints.size() < slice_limit && !missing.empty()) {
      fresh.endpoints.push_back(std::move(missing.begin()->second));
      missing.erase(missing.begin());
    }
    packings.push_back(std::move(fresh));
  }
  const Json ports = slice_ports(group.ports);
  size_t left = packings.size();
  for (Packing& packing : packings) {
    // One stays even if it is empty.
    if (packing.existing != nullptr && left > 1 && packing.endpoints.empty()) {
      plan.remove.push_back(api::name_of(*packing.existing));
      --left;
      continue;
    }
    Json slice = packing.existing != nullptr ? *packing.existing : new_slice(service, owner_label);
    slice["metadata"]["labels"] = slice_labels(service, owner_label);
    slice["endpoints"] = std::move(packing.endpoints);
    slice["ports"] = ports;
    if (packing.existing == nullptr) {
      plan.create.push_back(std::move(slice));
    } else if (slice != *packing.existing) {
      plan.update.push_back(std::move(slice));
    }
  }
}

}  // namespace

SlicePlan plan_slices(const Json& service, const std::vector<BackendGroup>& groups,
                      const std::vector<SharedJson>& existing, const std::string& owner_label) {
  SlicePlan plan;
  std::vector<BackendGroup> wanted = groups;
  // Kubernetes keeps an empty slice for a service without pods: "no endpoints" is also news.
  if (wanted.empty()) wanted.push_back({});
  std::vector<bool> used(existing.size(), false);
  for (const BackendGroup& group : wanted) {
    std::map<std::string, Json> missing;
    for (const Backend& backend : group.backends) missing[backend.ip] = endpoint_json(backend);
    std::vector<Packing> packings;
    const Json ports = slice_ports(group.ports);
    for (size_t i = 0; i < existing.size(); ++i) {
      // An empty slice may take any group: its ports said nothing to anybody.
      const bool fits = list_of(*existing[i], "ports") == ports ||
                        list_of(*existing[i], "endpoints").empty() || group.backends.empty();
      if (used[i] || !fits) continue;
      used[i] = true;
      packings.push_back(keep(*existing[i], missing));
    }
    pack_group(service, group, std::move(packings), std::move(missing), owner_label, plan);
  }
  for (size_t i = 0; i < existing.size(); ++i) {
    if (!used[i]) plan.remove.push_back(api::name_of(*existing[i]));
  }
  return plan;
}

}  // namespace hoplab::reconcile
