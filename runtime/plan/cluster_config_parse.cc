// Cluster file -> ClusterConfig. Each field is read here; what must hold between fields is
// cluster_config_check.cc's.

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "runtime/base/text.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/plan/cluster_config_check.h"

namespace hoplab::plan {

namespace {

constexpr std::string_view invalid = "Invalid value";

/// One mapping of the file: typed reads that report under the mapping's path.
class Mapping {
 public:
  Mapping(const Json& value, std::string path, FieldErrors& errors,
          std::initializer_list<std::string_view> known)
      : value_(value), path_(std::move(path)), errors_(errors) {
    if (!value.is_object()) {
      errors_.add(path_.empty() ? "(file)" : path_, std::string(invalid), "must be a mapping");
      return;
    }
    for (const auto& [key, _] : value.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        std::vector<std::string> names(known.begin(), known.end());
        errors_.add(at(key), "Unknown field", "known here: " + join(names, ", "));
      }
    }
  }

  [[nodiscard]] std::string at(std::string_view key) const {
    return path_.empty() ? std::string(key) : str(path_, '.', key);
  }
  [[nodiscard]] bool has(std::string_view key) const { return !member(value_, key).is_null(); }

  [[nodiscard]] std::string text(std::string_view key, std::string_view fallback = {}) const {
    const Json& value = member(value_, key);
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number()) return dump_json(value);  // look: 1.22 without quotes
    if (!value.is_null()) refuse(key, "must be text");
    return std::string(fallback);
  }

  [[nodiscard]] std::string required(std::string_view key) const {
    std::string value = text(key);
    if (value.empty()) errors_.add(at(key), "Required value", "must be given");
    return value;
  }

  [[nodiscard]] int64_t number(std::string_view key, int64_t fallback, int64_t least,
                               int64_t most) const {
    const Json& value = member(value_, key);
    if (value.is_null()) return fallback;
    if (value.is_number_integer()) {
      auto n = value.get<int64_t>();
      if (n >= least && n <= most) return n;
    }
    refuse(key, str("must be a whole number from ", least, " to ", most));
    return fallback;
  }

  [[nodiscard]] std::optional<Prefix> prefix(std::string_view key) const {
    if (!has(key)) return std::nullopt;
    auto parsed = Prefix::parse(text(key));
    if (parsed) return *parsed;
    refuse(key, parsed.error().message());
    return std::nullopt;
  }

  /// A network: length given, no host bits.
  [[nodiscard]] Prefix network(std::string_view key, const Prefix& fallback) const {
    auto parsed = prefix(key);
    if (!parsed) return fallback;
    if (*parsed != parsed->masked()) {
      refuse(key, "has bits beyond its length; the network is " + to_string(parsed->masked()));
    }
    return parsed->masked();
  }

  [[nodiscard]] const Json& list(std::string_view key) const {
    static const Json empty = Json::array();
    const Json& value = member(value_, key);
    if (value.is_null()) return empty;
    if (value.is_array()) return value;
    refuse(key, "must be a list");
    return empty;
  }

  void refuse(std::string_view key, std::string_view why) const {
    const Json& value = member(value_, key);
    std::string shown = value.is_structured() ? "" : str(" ", dump_json(value));
    errors_.add(at(key), std::string(invalid) + shown, std::string(why));
  }

  /// One of a fixed list.
  [[nodiscard]] std::string choice(std::string_view key, const std::string& fallback,
                                   const std::vector<std::string>& allowed) const {
    std::string value = text(key, fallback);
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
    errors_.add(at(key), str("Unsupported value \"", value, "\""),
                "supported: " + join(allowed, ", "));
    return fallback;
  }

 private:
  const Json& value_;
  std::string path_;
  FieldErrors& errors_;
};

std::string element(std::string_view path, size_t index) {
  return str(path, '[', index, ']');
}

Segment read_segment(const Json& value, const std::string& path, FieldErrors& errors) {
  Mapping map(value, path, errors, {"name", "network"});
  Segment segment;
  segment.name = map.required("name");
  if (!map.has("network")) errors.add(map.at("network"), "Required value", "must be given");
  segment.network = map.network("network", {});
  return segment;
}

HostInterface read_interface(const Json& value, const std::string& path,
                             const ClusterConfig& config, FieldErrors& errors) {
  Mapping map(value, path, errors, {"segment", "address", "also"});
  HostInterface out;
  out.segment = map.required("segment");
  const Segment* segment = config.find_segment(out.segment);
  if (segment == nullptr && !out.segment.empty()) {
    map.refuse("segment", "there is no segment of this name");
  }
  if (!map.has("address")) errors.add(map.at("address"), "Required value", "must be given");
  auto address = map.prefix("address").value_or(Prefix());
  // "192.168.10.10" means "with the segment's length".
  bool bare = map.text("address").find('/') == std::string::npos;
  out.address =
      bare && segment != nullptr ? Prefix(address.address(), segment->network.length()) : address;
  const Json& also = map.list("also");
  for (size_t i = 0; i < also.size(); ++i) {
    auto parsed = also[i].is_string() ? Prefix::parse(also[i].get<std::string>())
                                      : Error(ErrorCode::invalid, "must be text");
    if (parsed) {
      out.also.push_back(*parsed);
    } else {
      errors.add(element(map.at("also"), i), std::string(invalid), parsed.error().message());
    }
  }
  return out;
}

HostRole read_role(const Mapping& map) {
  std::string name =
      map.choice("role", "client", {"control-plane", "worker", "router", "client", "internet"});
  for (auto role :
       {HostRole::control_plane, HostRole::worker, HostRole::router, HostRole::internet}) {
    if (name == to_string(role)) return role;
  }
  return HostRole::client;
}

HostConfig read_host(const Json& value, const std::string& path, const ClusterConfig& config,
                     FieldErrors& errors) {
  Mapping map(value, path, errors, {"name", "role", "interfaces", "gateway", "firstBlock"});
  HostConfig host;
  host.name = map.required("name");
  host.role = read_role(map);
  const Json& interfaces = map.list("interfaces");
  for (size_t i = 0; i < interfaces.size(); ++i) {
    host.interfaces.push_back(
        read_interface(interfaces[i], element(map.at("interfaces"), i), config, errors));
    host.interfaces.back().name = str("eth", i);
  }
  if (map.has("gateway")) {
    auto gateway = Ipv4::parse(map.text("gateway"));
    if (gateway) {
      host.gateway = *gateway;
    } else {
      map.refuse("gateway", gateway.error().message());
    }
  }
  if (map.has("firstBlock")) host.first_block = map.network("firstBlock", {});
  return host;
}

void read_ports(const Json& value, ClusterConfig& config, FieldErrors& errors) {
  if (value.is_null()) return;
  Mapping map(value, "ports", errors, {"api", "nodePorts"});
  config.api_port = static_cast<uint16_t>(map.number("api", config.api_port, 1, 65535));
  if (!map.has("nodePorts")) return;
  std::string range = map.text("nodePorts");
  const char* end = range.data() + range.size();
  unsigned first = 0;
  unsigned last = 0;
  auto [dash, ec] = std::from_chars(range.data(), end, first);
  bool good = ec == std::errc() && dash != end && *dash == '-';
  if (good) {
    auto [rest, ec2] = std::from_chars(dash + 1, end, last);
    good = ec2 == std::errc() && rest == end && first >= 1 && first <= last && last <= 65535;
  }
  if (!good) {
    map.refuse("nodePorts", "must be a range of ports, as in 30000-32767");
    return;
  }
  config.node_port_first = static_cast<uint16_t>(first);
  config.node_port_last = static_cast<uint16_t>(last);
}

/// The address of the first host with `role` on one of `host`'s segments.
std::optional<Ipv4> neighbor_with_role(const ClusterConfig& config, const HostConfig& host,
                                       HostRole role) {
  for (const auto& own : host.interfaces) {
    for (const auto& other : config.hosts) {
      if (other.role != role || other.name == host.name) continue;
      for (const auto& theirs : other.interfaces) {
        Ipv4 address = theirs.address.address();
        if (theirs.segment == own.segment && own.address.contains(address)) return address;
      }
    }
  }
  return std::nullopt;
}

/// A host without a gateway uses the router on its segment; the router uses the internet.
void resolve_gateways(ClusterConfig& config) {
  for (auto& host : config.hosts) {
    if (host.gateway) continue;
    auto via = host.role == HostRole::router ? HostRole::internet : HostRole::router;
    host.gateway = neighbor_with_role(config, host, via);
  }
}

}  // namespace

Result<ClusterConfig> parse_cluster_config(const Json& file_content, std::string_view file) {
  if (file_content.is_null()) {
    return Error(
        ErrorCode::invalid,
        str(file, ": the file is empty; it must name at least one host\n  ready-made are: ",
            join(ready_made_clusters(), ", "), "; docs/cluster.yaml shows every field"));
  }
  FieldErrors errors;
  ClusterConfig config;
  Mapping map(file_content, "", errors,
              {"name", "look", "encapsulation", "tunnel", "proxyMode", "podNetwork", "blockSize",
               "serviceNetwork", "nodeLeaseDurationSeconds", "ports", "segments", "hosts"});
  config.name = map.text("name", "k8s");
  config.look = map.choice("look", config.look, {"1.22"});
  config.encapsulation = map.choice("encapsulation", config.encapsulation, {"ipip"});
  config.tunnel = map.choice("tunnel", config.tunnel, {"auto", "bpf", "tun", "veth"});
  config.proxy_mode = map.choice("proxyMode", config.proxy_mode, {"iptables"});
  config.pod_network = map.network("podNetwork", config.pod_network);
  config.service_network = map.network("serviceNetwork", config.service_network);
  config.block_size = static_cast<uint8_t>(map.number("blockSize", config.block_size, 20, 32));
  config.node_lease_seconds = static_cast<uint16_t>(
      map.number("nodeLeaseDurationSeconds", config.node_lease_seconds, 2, 3600));
  read_ports(member(file_content, "ports"), config, errors);
  const Json& segments = map.list("segments");
  for (size_t i = 0; i < segments.size(); ++i) {
    config.segments.push_back(read_segment(segments[i], element("segments", i), errors));
  }
  const Json& hosts = map.list("hosts");
  for (size_t i = 0; i < hosts.size(); ++i) {
    config.hosts.push_back(read_host(hosts[i], element("hosts", i), config, errors));
  }
  // Comparing fields that could not be read would only repeat the mistake.
  if (errors.empty()) {
    resolve_gateways(config);
    check_cluster_config(config, errors);
  }
  if (!errors.empty()) return errors.to_error(file);
  return config;
}

}  // namespace hoplab::plan
