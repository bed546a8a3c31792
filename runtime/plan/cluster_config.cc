#include "runtime/plan/cluster_config.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/plan/cluster_config_check.h"

namespace hoplab::plan {

std::string_view to_string(HostRole role) {
  switch (role) {
    case HostRole::control_plane:
      return "control-plane";
    case HostRole::worker:
      return "worker";
    case HostRole::router:
      return "router";
    case HostRole::client:
      return "client";
    case HostRole::internet:
      return "internet";
  }
  return "?";
}

const HostConfig* ClusterConfig::find_host(std::string_view host) const {
  auto it = std::find_if(hosts.begin(), hosts.end(),
                         [host](const HostConfig& each) { return each.name == host; });
  return it == hosts.end() ? nullptr : &*it;
}

const Segment* ClusterConfig::find_segment(std::string_view segment) const {
  auto it = std::find_if(segments.begin(), segments.end(),
                         [segment](const Segment& each) { return each.name == segment; });
  return it == segments.end() ? nullptr : &*it;
}

const HostConfig* ClusterConfig::control_plane() const {
  auto it = std::find_if(hosts.begin(), hosts.end(), [](const HostConfig& each) {
    return each.role == HostRole::control_plane;
  });
  return it == hosts.end() ? nullptr : &*it;
}

const HostConfig& ClusterConfig::default_host() const {
  const HostConfig* master = control_plane();
  return master != nullptr ? *master : hosts.front();
}

namespace {

Json to_json(const HostInterface& interface) {
  Json out{{"segment", interface.segment}, {"address", to_string(interface.address)}};
  for (const auto& prefix : interface.also) out["also"].push_back(to_string(prefix));
  return out;
}

Json to_json(const HostConfig& host) {
  Json out{{"name", host.name}, {"role", to_string(host.role)}, {"interfaces", Json::array()}};
  for (const auto& interface : host.interfaces) out["interfaces"].push_back(to_json(interface));
  if (host.gateway) out["gateway"] = to_string(*host.gateway);
  if (host.first_block) out["firstBlock"] = to_string(*host.first_block);
  return out;
}

Segment segment(const char* name, Ipv4 network) {
  return {name, Prefix(network, 24)};
}

HostInterface interface(const char* name, const char* segment_name, Ipv4 address) {
  return {name, segment_name, Prefix(address, 24), {}};
}

HostConfig node(const char* name, HostRole role, const char* segment_name, Ipv4 address,
                uint8_t block) {
  Ipv4 gateway((address.value() & 0xffffff00U) | 254U);
  return {name,
          role,
          {interface("eth0", segment_name, address)},
          gateway,
          Prefix(Ipv4(172, 16, block, 0), 24)};
}

/// Five hosts, the client and the pretend internet, which lies behind the router in a network
/// that exists only in documents (RFC 5737).
ClusterConfig default_cluster() {
  ClusterConfig config;
  config.name = "k8s";
  config.segments = {segment("lan10", Ipv4(192, 168, 10, 0)),
                     segment("lan20", Ipv4(192, 168, 20, 0)),
                     segment("lan30", Ipv4(192, 168, 30, 0)), segment("wan", Ipv4(203, 0, 113, 0))};
  HostConfig router{"k8s-rtr",
                    HostRole::router,
                    {interface("eth0", "lan10", Ipv4(192, 168, 10, 254)),
                     interface("eth1", "lan20", Ipv4(192, 168, 20, 254)),
                     interface("eth2", "lan30", Ipv4(192, 168, 30, 254)),
                     interface("eth3", "wan", Ipv4(203, 0, 113, 1))},
                    Ipv4(203, 0, 113, 2),
                    {}};
  HostConfig client{"client",
                    HostRole::client,
                    {interface("eth0", "lan30", Ipv4(192, 168, 30, 10))},
                    Ipv4(192, 168, 30, 254),
                    {}};
  HostConfig internet{"internet",
                      HostRole::internet,
                      {interface("eth0", "wan", Ipv4(203, 0, 113, 2))},
                      Ipv4(203, 0, 113, 1),
                      {}};
  internet.interfaces[0].also = {Prefix::host(Ipv4(8, 8, 8, 8)), Prefix::host(Ipv4(1, 1, 1, 1))};
  config.hosts = {
      router,
      node("k8s-m", HostRole::control_plane, "lan10", Ipv4(192, 168, 10, 10), 116),
      node("k8s-w1", HostRole::worker, "lan10", Ipv4(192, 168, 10, 101), 158),
      node("k8s-w2", HostRole::worker, "lan10", Ipv4(192, 168, 10, 102), 184),
      node("k8s-w0", HostRole::worker, "lan20", Ipv4(192, 168, 20, 100), 34),
      client,
      internet,
  };
  return config;
}

/// One host with nothing on it but its cable to the pretend internet.
ClusterConfig bare_host() {
  ClusterConfig config;
  config.name = "linux";
  config.segments = {segment("wan", Ipv4(203, 0, 113, 0))};
  HostConfig linux{"linux",
                   HostRole::client,
                   {interface("eth0", "wan", Ipv4(203, 0, 113, 10))},
                   Ipv4(203, 0, 113, 2),
                   {}};
  // Without a gateway: like the real internet it knows no way to private networks.
  HostConfig internet{
      "internet", HostRole::internet, {interface("eth0", "wan", Ipv4(203, 0, 113, 2))}, {}, {}};
  internet.interfaces[0].also = {Prefix::host(Ipv4(8, 8, 8, 8)), Prefix::host(Ipv4(1, 1, 1, 1))};
  config.hosts = {linux, internet};
  return config;
}

}  // namespace

Json to_json(const ClusterConfig& config) {
  Json out{{"name", config.name},
           {"look", config.look},
           {"encapsulation", config.encapsulation},
           {"tunnel", config.tunnel},
           {"proxyMode", config.proxy_mode},
           {"podNetwork", to_string(config.pod_network)},
           {"blockSize", config.block_size},
           {"serviceNetwork", to_string(config.service_network)},
           {"nodeLeaseDurationSeconds", config.node_lease_seconds},
           {"ports",
            {{"api", config.api_port},
             {"nodePorts", str(config.node_port_first, '-', config.node_port_last)}}},
           {"segments", Json::array()},
           {"hosts", Json::array()}};
  for (const auto& each : config.segments) {
    out["segments"].push_back({{"name", each.name}, {"network", to_string(each.network)}});
  }
  for (const auto& host : config.hosts) out["hosts"].push_back(to_json(host));
  return out;
}

std::optional<ClusterConfig> ready_made_cluster(std::string_view name) {
  if (name == "k8s") return default_cluster();
  if (name == "linux") return bare_host();
  return std::nullopt;
}

std::vector<std::string> ready_made_clusters() {
  return {"k8s", "linux"};
}

Result<void> check_cluster_name(std::string_view name) {
  if (is_dns_label(name, 32)) return {};
  return Error(ErrorCode::invalid,
               str("cluster name \"", name,
                   "\": at most 32 lower-case letters, digits and '-', starting and ending with a "
                   "letter or digit"));
}

}  // namespace hoplab::plan
