#include <set>

#include "runtime/base/ip.h"
#include "runtime/base/text.h"
#include "store/api/validate_rules.h"

namespace hoplab::api {

using namespace field_error;

namespace {

/// Names and numbers of ports are unique inside one service.
void check_ports(const Json& spec, std::string_view type, Causes& out) {
  const Json& ports = member(spec, "ports");
  bool headless = string_or(spec, "clusterIP") == "None";
  if (ports.empty() && !headless && type != "ExternalName") {
    out.push_back(required("spec.ports"));
  }
  bool several = ports.is_array() && ports.size() > 1;
  std::set<std::string> names;
  std::set<std::pair<std::string, int64_t>> numbers;
  std::set<std::pair<std::string, int64_t>> node_ports;
  for_each_item(spec, "ports", "spec", [&](const Json& port, const std::string& at) {
    std::string name = string_or(port, "name");
    std::string protocol = string_or(port, "protocol", "TCP");
    if (several && name.empty()) out.push_back(required(at + ".name"));
    if (!name.empty() && !names.insert(name).second) out.push_back(duplicate(at + ".name", name));
    int64_t number = int_or(port, "port");
    int64_t node_port = int_or(port, "nodePort");
    if (!numbers.insert({protocol, number}).second) {
      ErrorCause cause = duplicate(at, Json());
      cause.message =
          str("Duplicate value: core.ServicePort{Protocol:\"", protocol, "\", Port:", number, "}");
      out.push_back(cause);
    }
    if (node_port == 0) return;
    if (type == "ClusterIP" || type == "ExternalName") {
      out.push_back(
          forbidden(at + ".nodePort", str("may not be used when `type` is '", type, "'")));
    }
    if (!node_ports.insert({protocol, node_port}).second) {
      out.push_back(duplicate(at + ".nodePort", node_port));
    }
  });
}

void check_external_name(const Json& spec, Causes& out) {
  std::string ip = string_or(spec, "clusterIP");
  std::string name = string_or(spec, "externalName");
  if (!ip.empty()) {
    out.push_back(forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
  }
  if (name.empty()) {
    out.push_back(required("spec.externalName"));
  } else {
    // A name ending in a dot is absolute.
    std::string bare = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
    add_problems(dns1123_subdomain_problems(bare), "spec.externalName", name, out);
  }
}

void check_cluster_ip(const Json& spec, std::string_view type, Causes& out) {
  std::string ip = string_or(spec, "clusterIP");
  if (ip == "None") {
    if (type == "NodePort" || type == "LoadBalancer") {
      out.push_back(invalid("spec.clusterIPs[0]", "None",
                            str("may not be set to 'None' for ", type, " services")));
    }
  } else if (!ip.empty()) {
    add_problems(ip_problems(ip), "spec.clusterIPs[0]", ip, out);
  }
  const Json& ips = member(spec, "clusterIPs");
  if (ips.is_array() && !ips.empty() && !ip.empty() && ips[0] != ip) {
    out.push_back(invalid("spec.clusterIPs", ips, "first value must match `clusterIP`"));
  }
}

void check_traffic_policy(const Json& spec, std::string_view type, Causes& out) {
  bool outside = type == "NodePort" || type == "LoadBalancer";
  std::string policy = string_or(spec, "externalTrafficPolicy");
  if (!policy.empty() && !outside) {
    out.push_back(invalid("spec.externalTrafficPolicy", policy,
                          "may only be set when `type` is 'NodePort' or 'LoadBalancer'"));
  }
  const Json& affinity = member(member(spec, "sessionAffinityConfig"), "clientIP");
  const Json& timeout = member(affinity, "timeoutSeconds");
  if (timeout.is_number_integer()) {
    auto seconds = timeout.get<int64_t>();
    if (seconds <= 0 || seconds > 86400) {
      out.push_back(invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds,
                            "must be greater than 0 and less than 86400"));
    }
  }
}

/// An address reachable from outside that is not one of the machine's own or multicast ones.
void check_external_ips(const Json& spec, Causes& out) {
  for_each_item(spec, "externalIPs", "spec", [&](const Json& ip, const std::string& at) {
    std::string text = ip.get<std::string>();
    add_problems(ip_problems(text), at, ip, out);
    auto parsed = Ipv4::parse(text);
    if (!parsed) return;
    if (Prefix(Ipv4(127, 0, 0, 0), 8).contains(*parsed)) {
      out.push_back(invalid(at, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
    } else if (parsed->is_unspecified()) {
      out.push_back(invalid(at, ip, "may not be unspecified (0.0.0.0 or ::)"));
    } else if (Prefix(Ipv4(169, 254, 0, 0), 16).contains(*parsed)) {
      out.push_back(
          invalid(at, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
    }
  });
}

void check_service_update(const Json& spec, const Json& old_spec, Causes& out) {
  std::string old_ip = string_or(old_spec, "clusterIP");
  std::string ip = string_or(spec, "clusterIP");
  // To and from ExternalName the address comes and goes.
  bool keeps =
      string_or(spec, "type") != "ExternalName" && string_or(old_spec, "type") != "ExternalName";
  if (!keeps || old_ip.empty() || ip == old_ip) return;
  if (ip.empty()) {
    out.push_back(
        invalid("spec.clusterIPs[0]", Json::array({""}), "primary clusterIP can not be unset"));
  } else {
    out.push_back(invalid("spec.clusterIPs[0]", Json::array({ip}), "may not change once set"));
  }
}

}  // namespace

void check_service(const Json& object, const Json* old_object, Causes& out) {
  const Json& spec = member(object, "spec");
  if (!spec.is_object()) {
    out.push_back(required("spec.ports"));
    return;
  }
  std::string type = string_or(spec, "type", "ClusterIP");
  check_ports(spec, type, out);
  check_label_map(member(spec, "selector"), "spec.selector", out);
  if (type == "ExternalName") {
    check_external_name(spec, out);
  } else {
    check_cluster_ip(spec, type, out);
  }
  check_traffic_policy(spec, type, out);
  check_external_ips(spec, out);
  if (old_object != nullptr) check_service_update(spec, member(*old_object, "spec"), out);
}

void check_endpoint_subset(const Json& subset, const std::string& path, Causes& out) {
  if (member(subset, "addresses").empty() && member(subset, "notReadyAddresses").empty()) {
    out.push_back(required(path, "must specify `addresses` or `notReadyAddresses`"));
  }
  const Json& ports = member(subset, "ports");
  bool several = ports.is_array() && ports.size() > 1;
  for_each_item(subset, "ports", path, [&](const Json& port, const std::string& at) {
    if (several && string_or(port, "name").empty()) out.push_back(required(at + ".name"));
  });
}

void check_endpoint_slice(const Json& object, Causes& out) {
  std::string type = string_or(object, "addressType");
  const Json& endpoints = member(object, "endpoints");
  if (endpoints.is_array() && endpoints.size() > 1000) {
    ErrorCause cause = forbidden("endpoints", "must have at most 1000 items");
    cause.reason = "FieldValueTooMany";
    cause.message = "Too many: must have at most 1000 items";
    out.push_back(cause);
  }
  for_each_item(object, "endpoints", "", [&](const Json& endpoint, const std::string& at) {
    for_each_item(endpoint, "addresses", at.substr(1),
                  [&](const Json& ip, const std::string& place) {
                    std::string text = ip.get<std::string>();
                    if (type == "IPv4" && !Ipv4::parse(text).ok()) {
                      out.push_back(invalid(place, ip, "must be a valid IPv4 address"));
                    } else if (type == "IPv6" && !is_ipv6(text)) {
                      out.push_back(invalid(place, ip, "must be a valid IPv6 address"));
                    }
                  });
  });
}

}  // namespace hoplab::api
