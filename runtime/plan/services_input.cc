#include "runtime/plan/services_input.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/api/kind.h"

namespace hoplab::plan {

namespace {

constexpr uint32_t default_affinity_seconds = 10800;

/// Decodes one Service with its slices; bad values end up in `ignored`, not in rules.
class Decoder {
 public:
  Decoder(const Json& service, const std::vector<const Json*>& slices)
      : service_(service), spec_(member(service, "spec")), slices_(slices) {}

  ServiceInput run() {
    const std::string ip = string_or(spec_, "clusterIP");
    if (string_or(spec_, "type") == "ExternalName" || ip.empty() || ip == "None") return {};
    // Somebody else's proxy looks after these.
    const Json& labels = at_path(service_, "metadata.labels");
    if (labels.contains("service.kubernetes.io/service-proxy-name")) return {};
    auto cluster_ip = address(ip, "spec.clusterIP");
    if (!cluster_ip) return std::move(out_);
    const ServicePort common = common_part(*cluster_ip);
    for (const Json& port : member(spec_, "ports")) add_port(common, port);
    return std::move(out_);
  }

 private:
  void ignore(const std::string& what) {
    out_.ignored.push_back(str("Service ", api::key_of(service_), ": ", what));
  }

  std::optional<Ipv4> address(const std::string& text, const std::string& field) {
    auto ip = Ipv4::parse(text);
    if (ip) return *ip;
    ignore(str(field, ": ", ip.error().message()));
    return std::nullopt;
  }

  std::vector<Ipv4> addresses(const Json& list, const char* key, const std::string& field) {
    std::vector<Ipv4> out;
    if (!list.is_array()) return out;
    for (const Json& item : list) {
      const Json& value = key == nullptr ? item : member(item, key);
      if (!value.is_string()) continue;
      if (auto ip = address(value.get<std::string>(), field)) out.push_back(*ip);
    }
    return out;
  }

  ServicePort common_part(Ipv4 cluster_ip) {
    ServicePort common;
    common.name.namespace_name = api::namespace_of(service_);
    common.name.name = api::name_of(service_);
    common.cluster_ip = cluster_ip;
    common.external_ips = addresses(member(spec_, "externalIPs"), nullptr, "spec.externalIPs");
    common.load_balancer_ips = addresses(at_path(service_, "status.loadBalancer.ingress"), "ip",
                                         "status.loadBalancer.ingress");
    for (const Json& range : member(spec_, "loadBalancerSourceRanges")) {
      auto prefix = Prefix::parse(range.is_string() ? range.get<std::string>() : "");
      if (prefix) {
        common.source_ranges.push_back(*prefix);
      } else {
        ignore("spec.loadBalancerSourceRanges: " + prefix.error().message());
      }
    }
    if (string_or(spec_, "sessionAffinity") == "ClientIP") {
      const Json& client = at_path(spec_, "sessionAffinityConfig.clientIP");
      common.affinity_seconds =
          static_cast<uint32_t>(int_or(client, "timeoutSeconds", default_affinity_seconds));
    }
    common.external_local = string_or(spec_, "externalTrafficPolicy") == "Local";
    common.internal_local = string_or(spec_, "internalTrafficPolicy") == "Local";
    common.health_check_port = static_cast<uint16_t>(int_or(spec_, "healthCheckNodePort"));
    return common;
  }

  void add_port(const ServicePort& common, const Json& port) {
    ServicePort out = common;
    out.name.port_name = string_or(port, "name");
    const std::string protocol_name = string_or(port, "protocol", "TCP");
    if (protocol_name != "TCP" && protocol_name != "UDP") {
      ignore(str("port ", int_or(port, "port"), ": protocol ", protocol_name,
                 " is not supported, only TCP and UDP"));
      return;
    }
    out.protocol = protocol_name == "UDP" ? protocol::udp : protocol::tcp;
    const int64_t number = int_or(port, "port");
    if (number < 1 || number > 65535) {
      ignore(str("spec.ports: port ", number, " is not between 1 and 65535"));
      return;
    }
    out.port = static_cast<uint16_t>(number);
    out.node_port = static_cast<uint16_t>(int_or(port, "nodePort"));
    out.endpoints = endpoints(out.name.port_name, protocol_name);
    out_.ports.push_back(std::move(out));
  }

  [[nodiscard]] std::vector<ServiceEndpoint> endpoints(const std::string& port_name,
                                                       const std::string& protocol_name) const {
    std::map<std::string, ServiceEndpoint> found;  // Sorted by text, as kube-proxy sorts them.
    for (const Json* slice : slices_) {
      if (string_or(*slice, "addressType", "IPv4") != "IPv4") continue;
      for (const Json& port : member(*slice, "ports")) {
        const int64_t number = int_or(port, "port");
        if (string_or(port, "name") != port_name || number < 1 || number > 65535 ||
            string_or(port, "protocol", "TCP") != protocol_name) {
          continue;
        }
        for (const Json& endpoint : member(*slice, "endpoints")) {
          add_endpoint(endpoint, static_cast<uint16_t>(number), found);
        }
      }
    }
    std::vector<ServiceEndpoint> out;
    for (auto& [text, endpoint] : found) out.push_back(std::move(endpoint));
    return out;
  }

  static void add_endpoint(const Json& endpoint, uint16_t port,
                           std::map<std::string, ServiceEndpoint>& found) {
    // A missing condition means ready (facts/services.md 8).
    if (!bool_or(member(endpoint, "conditions"), "ready", true)) return;
    const Json& list = member(endpoint, "addresses");
    if (!list.is_array() || list.empty() || !list[0].is_string()) return;
    auto ip = Ipv4::parse(list[0].get<std::string>());
    if (!ip) return;
    found.try_emplace(str(to_string(*ip), ":", port),
                      ServiceEndpoint{*ip, port, string_or(endpoint, "nodeName")});
  }

  const Json& service_;
  const Json& spec_;
  const std::vector<const Json*>& slices_;
  ServiceInput out_;
};

}  // namespace

ServiceInput service_input(const Json& service, const std::vector<const Json*>& slices) {
  return Decoder(service, slices).run();
}

std::string service_of_slice(const Json& slice) {
  const Json& labels = at_path(slice, "metadata.labels");
  const std::string name = string_or(labels, "kubernetes.io/service-name");
  return name.empty() ? std::string() : api::namespace_of(slice) + "/" + name;
}

}  // namespace hoplab::plan
