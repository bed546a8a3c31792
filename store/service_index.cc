#include "store/service_index.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/api/schema.h"

namespace hoplab {
namespace {

bool has_node_ports(const Json& service) {
  const std::string type = string_or(member(service, "spec"), "type");
  return type == "NodePort" || type == "LoadBalancer";
}

Error invalid(const Json& service, std::string field, std::string message) {
  return api::invalid_object(
      api::kind_of("Service"), api::name_of(service),
      {{.field = std::move(field), .reason = "FieldValueInvalid", .message = std::move(message)}});
}

/// Kubernetes leaves the first min(max(16, size/16), 256) values to people who choose one
/// themselves (the NodePort range: at most 128 of size/32).
uint64_t reserved_addresses(uint64_t size) {
  const uint64_t part = std::min<uint64_t>(std::max<uint64_t>(16, size / 16), 256);
  return part < size / 2 ? part : 0;
}

bool same_port(const Json& a, const Json& b) {
  return int_or(a, "port") == int_or(b, "port") &&
         string_or(a, "protocol", "TCP") == string_or(b, "protocol", "TCP");
}

}  // namespace

void ServiceIndex::replace(const Json* before, const Json* now) {
  const auto each = [](const Json& service, auto address, auto port) {
    const Json& spec = member(service, "spec");
    if (auto ip = Ipv4::parse(string_or(spec, "clusterIP")); ip.ok()) address(*ip);
    const Json& ports = member(spec, "ports");
    for (const Json& row : ports.is_array() ? ports : Json::array()) {
      if (const int64_t number = int_or(row, "nodePort"); number != 0) port(number);
    }
  };
  if (before != nullptr) {
    each(
        *before, [&](Ipv4 ip) { address_owner_.erase(ip); },
        [&](int64_t port) { port_owner_.erase(port); });
  }
  if (now != nullptr) {
    const std::string key = api::key_of(*now);
    each(
        *now, [&](Ipv4 ip) { address_owner_[ip] = key; },
        [&](int64_t port) { port_owner_[port] = key; });
  }
}

void ServiceIndex::carry_over(Json& service, const Json& before) {
  Json& spec = service["spec"];
  if (!spec.is_object() || string_or(spec, "type") == "ExternalName") return;
  const Json& old = member(before, "spec");
  for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    if (member(spec, field).empty() && old.contains(field)) spec[field] = old[field];
  }
  if (!member(spec, "ports").is_array()) return;
  const bool wants = has_node_ports(service);
  for (Json& port : spec["ports"]) {
    if (!port.is_object()) continue;
    for (const Json& had : member(old, "ports")) {
      const int64_t number = int_or(had, "nodePort");
      if (number == 0 || !same_port(port, had)) continue;
      if (wants && int_or(port, "nodePort") == 0) port["nodePort"] = number;
      // A Service that stops being a NodePort gives up the numbers it still carries along.
      if (!wants && int_or(port, "nodePort") == number) port.erase("nodePort");
    }
  }
}

Result<void> ServiceIndex::assign(Json& service, const Json* before) const {
  if (!member(service, "spec").is_object()) return {};
  if (before != nullptr) carry_over(service, *before);
  Json& spec = service["spec"];
  if (string_or(spec, "type") == "ExternalName") {
    for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
      spec.erase(field);
    }
    return {};
  }
  HOP_CHECK(assign_address(service));
  if (!has_node_ports(service)) return {};
  return assign_node_ports(service);
}

Result<void> ServiceIndex::assign_address(Json& service) const {
  Json& spec = service["spec"];
  std::string wanted = string_or(spec, "clusterIP");
  const std::string key = api::key_of(service);
  if (wanted.empty() && member(spec, "clusterIPs").is_array() && !spec["clusterIPs"].empty() &&
      spec["clusterIPs"][0].is_string()) {
    wanted = spec["clusterIPs"][0].get<std::string>();
  }
  if (wanted.empty()) {
    HOP_TRY(wanted, free_address(key));
  } else if (auto ip = Ipv4::parse(wanted); ip.ok()) {
    const auto refuse = [&](std::string_view why) {
      return invalid(service, "spec.clusterIPs",
                     str("Invalid value: []string{\"", wanted,
                         "\"}: failed to allocated ip:", wanted, " with error:", why));
    };
    const Prefix& net = range_.network;
    if (!net.contains(*ip) || *ip == net.network() || *ip == net.broadcast()) {
      return refuse("provided IP is not in the valid range. The range of valid IPs is " +
                    to_string(net));
    }
    const auto owner = address_owner_.find(*ip);
    if (owner != address_owner_.end() && owner->second != key) {
      return refuse("provided IP is already allocated");
    }
  }
  spec["clusterIP"] = wanted;
  spec["clusterIPs"] = Json::array({wanted});
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = Json::array({"IPv4"});
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  return {};
}

Result<std::string> ServiceIndex::free_address(const std::string& key) const {
  const uint64_t size = range_.network.size() - 1;  // Without the broadcast address.
  const uint64_t low = std::max<uint64_t>(1, reserved_addresses(range_.network.size()));
  const uint64_t span = size - low;
  const uint64_t start = fnv1a_64(key) % span;
  for (uint64_t i = 0; i < span; ++i) {
    const Ipv4 ip = range_.network.network() + static_cast<uint32_t>(low + (start + i) % span);
    if (!address_owner_.contains(ip)) return to_string(ip);
  }
  for (uint64_t i = 1; i < low; ++i) {
    const Ipv4 ip = range_.network.network() + static_cast<uint32_t>(i);
    if (!address_owner_.contains(ip)) return to_string(ip);
  }
  return Error(ErrorCode::internal, "failed to allocate a serviceIP: range is full");
}

Result<void> ServiceIndex::assign_node_ports(Json& service) const {
  const std::string key = api::key_of(service);
  if (!member(service["spec"], "ports").is_array()) return {};
  Json& ports = service["spec"]["ports"];
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ports[i].is_object()) continue;
    const int64_t wanted = int_or(ports[i], "nodePort");
    if (wanted == 0) {
      HOP_TRY(ports[i]["nodePort"], free_node_port(key, ports));
      continue;
    }
    const auto refuse = [&](std::string_view why) {
      return invalid(service, str("spec.ports[", i, "].nodePort"),
                     str("Invalid value: ", wanted, ": ", why));
    };
    if (wanted < range_.first_node_port || wanted > range_.last_node_port) {
      return refuse(str("provided port is not in the valid range. The range of valid ports is ",
                        range_.first_node_port, "-", range_.last_node_port));
    }
    const auto owner = port_owner_.find(wanted);
    if (owner != port_owner_.end() && owner->second != key) {
      return refuse("provided port is already allocated");
    }
    // TCP and UDP of one service may share a number (DNS); two ports of one protocol may not.
    for (size_t j = 0; j < i; ++j) {
      if (int_or(ports[j], "nodePort") == wanted &&
          string_or(ports[j], "protocol", "TCP") == string_or(ports[i], "protocol", "TCP")) {
        return refuse("provided port is already allocated");
      }
    }
  }
  return {};
}

Result<int64_t> ServiceIndex::free_node_port(const std::string& key, const Json& ports) const {
  const int64_t size = range_.last_node_port - range_.first_node_port + 1;
  const int64_t low = std::min<int64_t>(size / 32, 128);
  const int64_t span = size - low;
  const auto start = static_cast<int64_t>(fnv1a_64(key) % static_cast<uint64_t>(span));
  const auto taken = [&](int64_t port) {
    return port_owner_.contains(port) ||
           std::any_of(ports.begin(), ports.end(),
                       [&](const Json& p) { return int_or(p, "nodePort") == port; });
  };
  for (int64_t i = 0; i < span; ++i) {
    const int64_t port = range_.first_node_port + low + (start + i) % span;
    if (!taken(port)) return port;
  }
  for (int64_t i = 0; i < low; ++i) {
    if (!taken(range_.first_node_port + i)) return range_.first_node_port + i;
  }
  return Error(ErrorCode::internal, "failed to allocate a nodePort: range is full");
}

}  // namespace hoplab
