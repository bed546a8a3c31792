#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/base/ip.h"
#include "runtime/base/json.h"

namespace hoplab {

struct ServiceRange {
  Prefix network{Ipv4(10, 96, 0, 0), 12};
  uint16_t first_node_port = 30000;
  uint16_t last_node_port = 32767;
};

/// Which Service holds which ClusterIP and NodePort. Made from the stored Services only, so that
/// nothing can leak: a refused or failed write never reaches it. Not thread-safe.
class ServiceIndex {
 public:
  explicit ServiceIndex(ServiceRange range) : range_(range) {}

  /// What is stored now; `nullptr` when the Service was not there before or is gone.
  void replace(const Json* before, const Json* now);

  /// Fills the ClusterIP and NodePorts that the Service needs and does not name, keeps those it
  /// had before (by port and protocol), and refuses taken or foreign ones with the texts of
  /// Kubernetes 1.22. Free ones are looked for from a place given by the Service's name, so that
  /// the same manifests give the same addresses; the lowest part of both ranges is left to people.
  Result<void> assign(Json& service, const Json* before) const;
  /// Only the part of assign() that copies what an update left out; for validation before it.
  static void carry_over(Json& service, const Json& before);

  [[nodiscard]] size_t addresses() const { return address_owner_.size(); }
  [[nodiscard]] size_t node_ports() const { return port_owner_.size(); }

 private:
  Result<void> assign_address(Json& service) const;
  Result<void> assign_node_ports(Json& service) const;
  Result<std::string> free_address(const std::string& key) const;
  Result<int64_t> free_node_port(const std::string& key, const Json& ports) const;

  ServiceRange range_;
  std::map<Ipv4, std::string> address_owner_;
  std::map<int64_t, std::string> port_owner_;
};

}  // namespace hoplab
