#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/object_store.h"

namespace hoplab::reconcile {

/// One pod as an address behind a service.
struct Backend {
  std::string ip;
  std::string node;
  std::string hostname;  ///< Only when the pod asks for a DNS name below this service.
  Json target;           ///< The targetRef.
  bool ready = false;    ///< Takes new connections.
  bool serving = false;  ///< Ready, though it may be about to stop.
  bool terminating = false;
  auto operator<=>(const Backend& other) const { return ip <=> other.ip; }
  bool operator==(const Backend&) const = default;
};

struct BackendPort {
  std::string name;
  std::string protocol;
  int64_t port = 0;
  std::string app_protocol;
  auto operator<=>(const BackendPort&) const = default;
};

/// Backends that share their ports: a named target port may have another number in each pod.
struct BackendGroup {
  std::vector<BackendPort> ports;
  std::vector<Backend> backends;  ///< By address.
  bool operator==(const BackendGroup&) const = default;
};

/// The pods that a service sends traffic to. Pure. `pods` are those of its namespace.
std::vector<BackendGroup> backends_of(const Json& service, const std::vector<SharedJson>& pods);

/// Whether a change of a pod can change what backends_of() says of it.
bool backend_changed(const Json& before, const Json& now);

/// core/v1 Endpoints; terminating pods are left out. `existing` (or null) lends its metadata.
Json endpoints_object(const Json& service, const std::vector<BackendGroup>& groups,
                      const Json* existing);

/// The same from the other side: groups of hand-made Endpoints, which services without a selector
/// have.
std::vector<BackendGroup> groups_of_endpoints(const Json& endpoints);

struct SlicePlan {
  std::vector<Json> create;  ///< With generateName.
  std::vector<Json> update;  ///< Existing slices with new content.
  std::vector<std::string> remove;
};

/// EndpointSlices of at most 100 endpoints each. Endpoints stay in the slice they are in; new ones
/// fill the gaps, so that one changed pod is one changed slice. Pure. `owner_label` is the value of
/// endpointslice.kubernetes.io/managed-by.
SlicePlan plan_slices(const Json& service, const std::vector<BackendGroup>& groups,
                      const std::vector<SharedJson>& existing, const std::string& owner_label);

}  // namespace hoplab::reconcile
