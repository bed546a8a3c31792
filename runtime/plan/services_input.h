#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/plan/services.h"

namespace hoplab::plan {

/// What one Service object and its EndpointSlices mean to kube-proxy.
struct ServiceInput {
  std::vector<ServicePort> ports;    ///< None for headless and ExternalName services.
  std::vector<std::string> ignored;  ///< Sentences about what was left out: SCTP, IPv6, bad values.
};

/// `slices` are the EndpointSlices whose label kubernetes.io/service-name is this service's name,
/// in its namespace. Only ready endpoints count; the same address twice counts once.
ServiceInput service_input(const Json& service, const std::vector<const Json*>& slices);

/// "namespace/name" of the Service an EndpointSlice belongs to; empty when it does not say.
std::string service_of_slice(const Json& slice);

}  // namespace hoplab::plan
