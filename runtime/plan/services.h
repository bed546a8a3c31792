#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/model/ruleset.h"

/// Service NAT as kube-proxy 1.22 lays it out in iptables mode (facts/services.md 1.1 to 1.5, 1.7).
/// Pure: services and endpoints in, rules out.
namespace hoplab::plan {

/// Where a service's packets may go: one address of an EndpointSlice and the port behind it.
struct ServiceEndpoint {
  Ipv4 ip;
  uint16_t port = 0;
  std::string node;  ///< Empty when the slice does not say.
  auto operator<=>(const ServiceEndpoint&) const = default;
};

/// The key of everything kube-proxy makes: one port of one Service.
struct ServicePortName {
  std::string namespace_name;
  std::string name;
  std::string port_name;  ///< May be empty.
  auto operator<=>(const ServicePortName&) const = default;
};
/// "default/web:http", "default/web" without a port name; what the comments of its rules say.
std::string to_string(const ServicePortName& port);

struct ServicePort {
  ServicePortName name;
  uint8_t protocol = protocol::tcp;  ///< tcp or udp.
  Ipv4 cluster_ip;
  uint16_t port = 0;
  uint16_t node_port = 0;  ///< 0 = none.
  std::vector<Ipv4> external_ips;
  std::vector<Ipv4> load_balancer_ips;
  std::vector<Prefix> source_ranges;       ///< loadBalancerSourceRanges; empty = everybody.
  uint32_t affinity_seconds = 0;           ///< sessionAffinity ClientIP; 0 = None.
  bool external_local = false;             ///< externalTrafficPolicy: Local
  bool internal_local = false;             ///< internalTrafficPolicy: Local
  uint16_t health_check_port = 0;          ///< healthCheckNodePort
  std::vector<ServiceEndpoint> endpoints;  ///< The ready ones, in kube-proxy's order.
  bool operator==(const ServicePort&) const = default;
};

/// What one node's kube-proxy knows besides the services.
struct ProxyConfig {
  std::string node;  ///< For the Local policies.
  Ipv4 node_ip;
  Prefix cluster_cidr{Ipv4(172, 16, 0, 0), 16};
  bool masquerade_all = false;
  bool random_fully = true;  ///< iptables 1.6.2 or newer.
};

/// The rules that exist because of one service port.
struct PortRules {
  std::vector<Chain> nat_chains;  ///< KUBE-SVC-…, KUBE-SEP-…, KUBE-FW-…, KUBE-XLB-….
  std::vector<Rule> nat_services;
  std::vector<Rule> nat_node_ports;
  std::vector<Rule> filter_services;
  std::vector<Rule> filter_external_services;
  std::vector<Rule> filter_node_ports;
  bool operator==(const PortRules&) const = default;
};

/// Above this many endpoints in all, balancing and endpoint rules go without comments.
inline constexpr size_t large_cluster_endpoints = 1000;

PortRules rules_for_port(const ProxyConfig& config, const ServicePort& port, bool with_comments);

/// What exists without any service: jumps from the built-in chains, marks, canaries, and what the
/// kubelet of 1.22 adds (KUBE-FIREWALL, KUBE-MARK-DROP).
Ruleset base_rules(const ProxyConfig& config);

/// Everything at once. The order of services in shared chains is that of their names.
Ruleset service_rules(const ProxyConfig& config, const std::vector<ServicePort>& ports);

/// Chains with these prefixes are kube-proxy's whoever made them.
std::vector<std::string> service_chain_prefixes();

// Chain names: a prefix and 16 characters of a hash (facts/services.md 1.1).
std::string service_chain(std::string_view prefix, const ServicePortName& name,
                          uint8_t protocol_number);
std::string endpoint_chain(const ServicePortName& name, uint8_t protocol_number,
                           const ServiceEndpoint& endpoint);

/// Keeps the rules of all services so that a change costs only what it touches. Not thread-safe.
class ServiceRules {
 public:
  explicit ServiceRules(ProxyConfig config) : config_(std::move(config)) {}

  /// The ports that the Service "namespace/name" has now; an empty list when it is gone.
  void set(const std::string& namespace_name, const std::string& name,
           std::vector<ServicePort> ports);

  struct Changes {
    /// Changed chains as they shall be, and (table, chain) of those to delete.
    Ruleset changed;
    std::vector<std::pair<std::string, std::string>> removed;
    /// So much changed that a whole sync of rules() is the better way.
    bool everything = false;
    [[nodiscard]] bool empty() const {
      return !everything && changed.tables.empty() && removed.empty();
    }
  };
  /// What changed since the last call (or the beginning).
  Changes take_changes();

  /// The whole ruleset.
  [[nodiscard]] Ruleset rules() const;
  [[nodiscard]] const std::map<ServicePortName, ServicePort>& ports() const { return ports_; }
  [[nodiscard]] const ProxyConfig& config() const { return config_; }

 private:
  using ChainKey = std::pair<std::string, std::string>;

  void replace(const ServicePortName& name, const ServicePort* now);
  void note_difference(const PortRules& before, const PortRules& now);
  [[nodiscard]] Chain shared_chain(const ChainKey& key) const;
  [[nodiscard]] bool with_comments() const { return endpoints_ <= large_cluster_endpoints; }

  ProxyConfig config_;
  std::map<ServicePortName, ServicePort> ports_;
  std::map<ServicePortName, PortRules> rules_;
  size_t endpoints_ = 0;

  std::map<std::string, Chain> changed_;  ///< nat chains of single services.
  std::set<std::string> removed_;
  std::set<ChainKey> shared_;  ///< KUBE-SERVICES and the like.
  bool everything_ = true;
};

}  // namespace hoplab::plan
