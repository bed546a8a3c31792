#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::plan {

/// What a host of a cluster is. Only control_plane and worker run Kubernetes (see is_node()).
enum class HostRole { control_plane, worker, router, client, internet };

std::string_view to_string(HostRole role);

/// One cable: a switch, and the network of the hosts plugged into it.
struct Segment {
  std::string name;  ///< Also the name of the switch (a bridge in the sandbox's own namespace).
  Prefix network;    ///< Host bits cleared.
  bool operator==(const Segment&) const = default;
};

struct HostInterface {
  std::string name;  ///< eth0, eth1, … in the order of the file.
  std::string segment;
  Prefix address;            ///< With the segment's length.
  std::vector<Prefix> also;  ///< Further addresses on it, usually /32.
  bool operator==(const HostInterface&) const = default;
};

struct HostConfig {
  std::string name;
  HostRole role = HostRole::client;
  std::vector<HostInterface> interfaces;
  std::optional<Ipv4> gateway;        ///< Of the default route; resolved when the file is silent.
  std::optional<Prefix> first_block;  ///< The node's first IPAM block; none = chosen by its name.

  [[nodiscard]] bool is_node() const {
    return role == HostRole::control_plane || role == HostRole::worker;
  }
  /// The address of the first interface; 0.0.0.0 for a bare host.
  [[nodiscard]] Ipv4 address() const {
    return interfaces.empty() ? Ipv4() : interfaces.front().address.address();
  }
  bool operator==(const HostConfig&) const = default;
};

/// A whole cluster as `up` builds it (ARCHITECTURE.md, "The default cluster"). A value without
/// behaviour; always validated, because only the functions below make one.
struct ClusterConfig {
  std::string name;
  std::string look = "1.22";           ///< Kubernetes version whose shapes are shown.
  std::string encapsulation = "ipip";  ///< Between nodes.
  std::string tunnel = "auto";         ///< Who does it: "auto" (the best here), bpf, tun, veth.
  std::string proxy_mode = "iptables";
  Prefix pod_network{Ipv4(172, 16, 0, 0), 16};
  uint8_t block_size = 24;
  Prefix service_network{Ipv4(10, 96, 0, 0), 12};
  uint16_t node_port_first = 30000;
  uint16_t node_port_last = 32767;
  uint16_t node_lease_seconds = 40;  ///< A node silent for so long is NotReady.
  uint16_t api_port = 6443;  ///< In the lab; on the computer's loopback the first port to try.
  std::vector<Segment> segments;
  std::vector<HostConfig> hosts;

  [[nodiscard]] const HostConfig* find_host(std::string_view host) const;
  [[nodiscard]] const Segment* find_segment(std::string_view segment) const;
  /// Null when the cluster has no Kubernetes.
  [[nodiscard]] const HostConfig* control_plane() const;
  /// The host a shell opens on when none is named: the control plane, else the first host.
  [[nodiscard]] const HostConfig& default_host() const;
  bool operator==(const ClusterConfig&) const = default;
};

/// Reads a cluster file (the parsed YAML, or what to_json made). Every mistake is reported at once:
/// the error is `invalid`, its causes name the fields ("hosts[2].interfaces[0].address"), its
/// message starts with `file`. Missing fields take the defaults above.
Result<ClusterConfig> parse_cluster_config(const Json& file_content, std::string_view file);

/// The resolved form, complete; parse_cluster_config(to_json(c)) == c.
Json to_json(const ClusterConfig& config);

/// The ready-made clusters: "k8s" (five hosts, a client and a pretend internet) and "linux" (one
/// host without Kubernetes and a pretend internet). Nullopt for another name.
std::optional<ClusterConfig> ready_made_cluster(std::string_view name);
std::vector<std::string> ready_made_clusters();

/// A cluster's name: also a folder, so a DNS label of at most 32 bytes.
Result<void> check_cluster_name(std::string_view name);

}  // namespace hoplab::plan
