#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_output.h"
#include "store/api/table.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr size_t most_endpoints = 3;

std::string texts(const Json& list, const char* separator = ",") {
  std::vector<std::string> out;
  for (size_t i = 0; list.is_array() && i < list.size(); ++i) out.push_back(go_text(list[i]));
  return join(out, separator);
}

/// The addresses behind the port of that name.
std::string endpoints_text(const Json& endpoints, const std::string& port_name) {
  std::vector<std::string> shown;
  size_t count = 0;
  const Json& subsets = member(endpoints, "subsets");
  for (size_t i = 0; subsets.is_array() && i < subsets.size(); ++i) {
    const Json& ports = member(subsets[i], "ports");
    const Json& addresses = member(subsets[i], "addresses");
    for (size_t p = 0; ports.is_array() && p < ports.size(); ++p) {
      if (string_or(ports[p], "name") != port_name) continue;
      for (size_t a = 0; addresses.is_array() && a < addresses.size(); ++a) {
        if (++count > most_endpoints) continue;
        shown.push_back(str(string_or(addresses[a], "ip"), ":", int_or(ports[p], "port")));
      }
    }
  }
  if (shown.empty()) return "<none>";
  std::string text = join(shown, ",");
  return count > shown.size() ? str(text, " + ", count - shown.size(), " more...") : text;
}

void describe_service_ports(const DescribeInput& input, DescribeText& out) {
  const Json& ports = at_path(input.object, "spec.ports");
  for (size_t i = 0; ports.is_array() && i < ports.size(); ++i) {
    const std::string name = string_or(ports[i], "name");
    const std::string shown = name.empty() ? "<unset>" : name;
    const std::string protocol = string_or(ports[i], "protocol", "TCP");
    out.line(0, "Port:\t", shown, "\t", int_or(ports[i], "port"), "/", protocol);
    out.line(0, "TargetPort:\t", go_text(member(ports[i], "targetPort")), "/", protocol);
    if (int_or(ports[i], "nodePort") != 0) {
      out.line(0, "NodePort:\t", shown, "\t", int_or(ports[i], "nodePort"), "/", protocol);
    }
    out.line(0, "Endpoints:\t", endpoints_text(input.endpoints, name));
  }
}

std::string addresses_text(const Json& addresses) {
  std::vector<std::string> out;
  for (size_t i = 0; addresses.is_array() && i < addresses.size(); ++i) {
    out.push_back(string_or(addresses[i], "ip"));
  }
  return out.empty() ? "<none>" : join(out, ",");
}

}  // namespace

void describe_service(const DescribeInput& input, DescribeText& out) {
  const Json& spec = member(input.object, "spec");
  describe_name(input, out);
  describe_labels(input, out);
  out.line(0, "Selector:\t", api::labels_text(member(spec, "selector")));
  out.line(0, "Type:\t", string_or(spec, "type"));
  if (auto policy = string_or(spec, "ipFamilyPolicy"); !policy.empty()) {
    out.line(0, "IP Family Policy:\t", policy);
  }
  const std::string families = texts(member(spec, "ipFamilies"));
  out.line(0, "IP Families:\t", families.empty() ? "<none>" : families);
  out.line(0, "IP:\t", string_or(spec, "clusterIP"));
  const std::string addresses = texts(member(spec, "clusterIPs"));
  out.line(0, "IPs:\t", addresses.empty() ? "<none>" : addresses);
  if (auto external = texts(member(spec, "externalIPs")); !external.empty()) {
    out.line(0, "External IPs:\t", external);
  }
  if (auto wanted = string_or(spec, "loadBalancerIP"); !wanted.empty())
    out.line(0, "IP:\t", wanted);
  if (auto name = string_or(spec, "externalName"); !name.empty()) {
    out.line(0, "External Name:\t", name);
  }
  if (const Json& given = at_path(input.object, "status.loadBalancer.ingress");
      given.is_array() && !given.empty()) {
    out.line(0, "LoadBalancer Ingress:\t", addresses_text(given));
  }
  describe_service_ports(input, out);
  out.line(0, "Session Affinity:\t", string_or(spec, "sessionAffinity"));
  if (auto policy = string_or(spec, "externalTrafficPolicy"); !policy.empty()) {
    out.line(0, "External Traffic Policy:\t", policy);
  }
  if (int_or(spec, "healthCheckNodePort") != 0) {
    out.line(0, "HealthCheck NodePort:\t", int_or(spec, "healthCheckNodePort"));
  }
  describe_events(input, out);
}

void describe_endpoints(const DescribeInput& input, DescribeText& out) {
  describe_name(input, out);
  describe_labels(input, out);
  out.line(0, "Subsets:");
  const Json& subsets = member(input.object, "subsets");
  for (size_t i = 0; subsets.is_array() && i < subsets.size(); ++i) {
    out.line(1, "Addresses:\t", addresses_text(member(subsets[i], "addresses")));
    out.line(1, "NotReadyAddresses:\t", addresses_text(member(subsets[i], "notReadyAddresses")));
    const Json& ports = member(subsets[i], "ports");
    if (ports.is_array() && !ports.empty()) {
      out.line(1, "Ports:");
      out.line(2, "Name\tPort\tProtocol");
      out.line(2, "----\t----\t--------");
      for (const Json& port : ports) {
        out.line(2, string_or(port, "name", "<unset>"), "\t", int_or(port, "port"), "\t",
                 string_or(port, "protocol"));
      }
    }
    out.line(0, "");
  }
  describe_events(input, out);
}

namespace {

void describe_slice_ports(const Json& ports, DescribeText& out) {
  if (!ports.is_array() || ports.empty()) return out.line(0, "Ports: <unset>");
  out.line(0, "Ports:");
  out.line(1, "Name\tPort\tProtocol");
  out.line(1, "----\t----\t--------");
  for (const Json& port : ports) {
    const std::string name = string_or(port, "name");
    const Json& number = member(port, "port");
    out.line(1, name.empty() ? "<unset>" : name, "\t",
             number.is_null() ? "<unset>" : go_text(number), "\t", string_or(port, "protocol"));
  }
}

void describe_slice_endpoint(const Json& endpoint, DescribeText& out) {
  const std::string addresses = texts(member(endpoint, "addresses"), ", ");
  out.line(1, "- Addresses:\t", addresses.empty() ? "<none>" : addresses);
  const Json& ready = member(member(endpoint, "conditions"), "ready");
  out.line(2, "Conditions:");
  out.line(3, "Ready:\t", ready.is_null() ? "<unset>" : go_text(ready));
  out.line(2, "Hostname:\t", string_or(endpoint, "hostname", "<unset>"));
  if (const Json& target = member(endpoint, "targetRef"); target.is_object()) {
    out.line(2, "TargetRef:\t", string_or(target, "kind"), "/", string_or(target, "name"));
  }
  out.line(2, "NodeName:\t", string_or(endpoint, "nodeName", "<unset>"));
  out.line(2, "Zone:\t", string_or(endpoint, "zone", "<unset>"));
}

}  // namespace

void describe_endpoint_slice(const DescribeInput& input, DescribeText& out) {
  describe_name(input, out);
  describe_labels(input, out);
  out.line(0, "AddressType:\t", string_or(input.object, "addressType"));
  describe_slice_ports(member(input.object, "ports"), out);
  const Json& endpoints = member(input.object, "endpoints");
  if (!endpoints.is_array() || endpoints.empty()) {
    out.line(0, "Endpoints: <none>");
  } else {
    out.line(0, "Endpoints:");
    for (const Json& endpoint : endpoints) describe_slice_endpoint(endpoint, out);
  }
  describe_events(input, out);
}

}  // namespace hoplab::cmd::kubectl
