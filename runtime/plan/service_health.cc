#include "runtime/plan/service_health.h"

#include <set>

namespace hoplab::plan {

std::map<uint16_t, ServiceHealth> service_health(
    const std::map<ServicePortName, ServicePort>& ports, const std::string& node) {
  std::map<uint16_t, ServiceHealth> out;
  std::map<uint16_t, std::set<Ipv4>> addresses;
  for (const auto& [name, port] : ports) {
    if (port.health_check_port == 0 || !port.external_local) continue;
    const ServiceHealth fresh{name.namespace_name, name.name, 0};
    ServiceHealth& health = out.try_emplace(port.health_check_port, fresh).first->second;
    if (health.namespace_name != name.namespace_name || health.name != name.name) continue;
    std::set<Ipv4>& local = addresses[port.health_check_port];
    for (const ServiceEndpoint& endpoint : port.endpoints) {
      if (endpoint.node == node) local.insert(endpoint.ip);
    }
    health.local_endpoints = local.size();
  }
  return out;
}

}  // namespace hoplab::plan
