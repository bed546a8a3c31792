#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "runtime/plan/services.h"

namespace hoplab::plan {

/// What a load balancer asks a node about one Service with externalTrafficPolicy Local: whether
/// sending packets here makes sense.
struct ServiceHealth {
  std::string namespace_name;
  std::string name;
  size_t local_endpoints = 0;  ///< Different addresses on this node.
  bool operator==(const ServiceHealth&) const = default;
};

/// By healthCheckNodePort (facts/services.md 1.7). Of two Services with one port the first by name
/// has it. Pure.
std::map<uint16_t, ServiceHealth> service_health(
    const std::map<ServicePortName, ServicePort>& ports, const std::string& node);

}  // namespace hoplab::plan
