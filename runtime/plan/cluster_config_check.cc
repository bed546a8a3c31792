#include "runtime/plan/cluster_config_check.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "runtime/base/text.h"
#include "runtime/plan/underlay.h"

namespace hoplab::plan {

namespace {

const std::string invalid = "Invalid value";
const std::string duplicate = "Duplicate value";

std::string segment_path(size_t i, std::string_view field) {
  return str("segments[", i, "].", field);
}

std::string host_path(size_t i, std::string_view field) {
  return str("hosts[", i, "].", field);
}

/// A network of the file with its place, for overlaps.
struct Named {
  std::string field;
  Prefix network;
};

void check_networks(const ClusterConfig& config, FieldErrors& errors) {
  std::vector<Named> networks{{"podNetwork", config.pod_network},
                              {"serviceNetwork", config.service_network}};
  for (const auto& each : networks) {
    if (each.network.length() < 8 || each.network.length() > 28) {
      errors.add(each.field, invalid, "the length must be from 8 to 28");
    }
  }
  for (size_t i = 0; i < config.segments.size(); ++i) {
    networks.push_back({segment_path(i, "network"), config.segments[i].network});
    if (networks.back().network.length() < 8 || networks.back().network.length() > 30) {
      errors.add(networks.back().field, invalid, "the length must be from 8 to 30");
    }
  }
  for (size_t i = 0; i < networks.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (!networks[i].network.overlaps(networks[j].network)) continue;
      errors.add(networks[i].field, invalid,
                 str(to_string(networks[i].network), " overlaps ", networks[j].field, " ",
                     to_string(networks[j].network)));
    }
  }
}

void check_segments(const ClusterConfig& config, FieldErrors& errors) {
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < config.segments.size(); ++i) {
    const std::string& name = config.segments[i].name;
    if (!is_link_name(name)) {
      errors.add(segment_path(i, "name"), invalid,
                 str("\"", name, "\" cannot name a switch: 1 to 15 letters, digits, '-', '_'"));
    }
    if (!seen.emplace(name, i).second) {
      errors.add(segment_path(i, "name"), duplicate, str("\"", name, "\" is taken"));
    }
  }
}

void check_block(const ClusterConfig& config, size_t i, std::map<Prefix, std::string>& blocks,
                 FieldErrors& errors) {
  const HostConfig& host = config.hosts[i];
  if (!host.first_block) return;
  std::string field = host_path(i, "firstBlock");
  const Prefix& block = *host.first_block;
  if (!host.is_node()) errors.add(field, invalid, "only nodes have blocks of pod addresses");
  if (block.length() != config.block_size) {
    errors.add(field, invalid, str("the length must be blockSize, ", int{config.block_size}));
  } else if (!config.pod_network.contains(block)) {
    errors.add(field, invalid,
               str(to_string(block), " is not in podNetwork ", to_string(config.pod_network)));
  }
  auto [it, added] = blocks.emplace(block, host.name);
  if (!added) errors.add(field, duplicate, str(to_string(block), " is ", it->second, "'s"));
}

/// Switches and their ports live in one namespace.
void check_port_names(const ClusterConfig& config, FieldErrors& errors) {
  std::map<std::string, std::string> owners;
  for (const auto& segment : config.segments) owners.emplace(segment.name, segment.name);
  for (size_t h = 0; h < config.hosts.size(); ++h) {
    for (const auto& interface : config.hosts[h].interfaces) {
      std::string port = port_name(config, config.hosts[h], interface);
      auto [it, added] = owners.emplace(port, config.hosts[h].name);
      // Two hosts of one name have been reported as such.
      if (added || it->second == config.hosts[h].name) continue;
      errors.add(host_path(h, "name"), invalid,
                 str("its port on the switch would be called ", port, ", as ", it->second,
                     it->second == port ? " is" : "'s"));
    }
  }
}

/// Who has which address; reports the second owner.
class AddressBook {
 public:
  explicit AddressBook(FieldErrors& errors) : errors_(errors) {}

  void add(Ipv4 address, const std::string& host, const std::string& field) {
    auto [it, added] = owners_.emplace(address, host);
    if (!added) {
      errors_.add(field, duplicate, str(to_string(address), " is ", it->second, "'s"));
    }
  }
  [[nodiscard]] bool has(Ipv4 address) const { return owners_.count(address) > 0; }

 private:
  FieldErrors& errors_;
  std::map<Ipv4, std::string> owners_;
};

void check_interface(const ClusterConfig& config, size_t h, size_t i, AddressBook& addresses,
                     FieldErrors& errors) {
  const HostConfig& host = config.hosts[h];
  const HostInterface& interface = host.interfaces[i];
  std::string base = host_path(h, str("interfaces[", i, "]."));
  Ipv4 address = interface.address.address();
  const Prefix& network = config.find_segment(interface.segment)->network;
  if (!network.contains(address) || interface.address.length() != network.length()) {
    errors.add(base + "address", invalid,
               str(to_string(interface.address), " is not in segment ", interface.segment, " (",
                   to_string(network), ")"));
  } else if (address == network.network() || address == network.broadcast()) {
    errors.add(base + "address", invalid,
               str(to_string(address), " is the network's own or its broadcast address"));
  }
  addresses.add(address, host.name, base + "address");
  for (size_t k = 0; k < interface.also.size(); ++k) {
    std::string field = str(base, "also[", k, "]");
    const Prefix& also = interface.also[k];
    addresses.add(also.address(), host.name, field);
    for (const auto& reserved : {config.pod_network, config.service_network}) {
      if (also.overlaps(reserved)) {
        errors.add(field, invalid,
                   str(to_string(also), " is in the pod or service network ", to_string(reserved)));
      }
    }
  }
}

void check_gateway(const ClusterConfig& config, size_t h, const AddressBook& addresses,
                   FieldErrors& errors) {
  const HostConfig& host = config.hosts[h];
  if (!host.gateway) return;
  std::string field = host_path(h, "gateway");
  bool reachable = false;
  for (const auto& interface : host.interfaces) {
    if (interface.address.address() == *host.gateway) {
      errors.add(field, invalid, "is the host's own address");
    }
    reachable = reachable || interface.address.contains(*host.gateway);
  }
  if (!reachable) {
    errors.add(field, invalid, str(to_string(*host.gateway), " is on none of its segments"));
  } else if (!addresses.has(*host.gateway)) {
    errors.add(field, invalid, str("no host has the address ", to_string(*host.gateway)));
  }
}

void check_hosts(const ClusterConfig& config, FieldErrors& errors) {
  if (config.hosts.empty()) errors.add("hosts", "Required value", "at least one host is needed");
  AddressBook addresses(errors);
  std::map<std::string, size_t> names;
  std::map<Prefix, std::string> blocks;
  size_t masters = 0;
  size_t workers = 0;
  for (size_t h = 0; h < config.hosts.size(); ++h) {
    const HostConfig& host = config.hosts[h];
    if (!is_dns_label(host.name, 63)) {
      errors.add(host_path(h, "name"), invalid,
                 str("\"", host.name,
                     "\": at most 63 lower-case letters, digits and '-', starting and ending with "
                     "a letter or digit"));
    }
    if (!names.emplace(host.name, h).second) {
      errors.add(host_path(h, "name"), duplicate, str("\"", host.name, "\" is taken"));
    }
    if (host.role == HostRole::worker) ++workers;
    if (host.role == HostRole::control_plane && ++masters > 1) {
      errors.add(host_path(h, "role"), invalid, "a cluster has one control-plane host");
    }
    if (host.is_node() && host.interfaces.empty()) {
      errors.add(host_path(h, "interfaces"), "Required value", "a node needs an interface");
    }
    for (size_t i = 0; i < host.interfaces.size(); ++i) {
      check_interface(config, h, i, addresses, errors);
    }
    check_block(config, h, blocks, errors);
  }
  for (size_t h = 0; h < config.hosts.size(); ++h) check_gateway(config, h, addresses, errors);
  if (workers > 0 && masters == 0) {
    errors.add("hosts", "Required value", "workers need a host with role control-plane");
  }
}

}  // namespace

Error FieldErrors::to_error(std::string_view file) const {
  std::string message(file);
  const char* separator = causes_.size() == 1 ? ": " : ":\n  ";
  for (const auto& cause : causes_) {
    message += str(separator, cause.field, ": ", cause.reason, ": ", cause.message);
    separator = "\n  ";
  }
  ErrorDetails details;
  details.causes = causes_;
  return Error(ErrorCode::invalid, std::move(message)).with_details(std::move(details));
}

void check_cluster_config(const ClusterConfig& config, FieldErrors& errors) {
  if (auto named = check_cluster_name(config.name); !named) {
    errors.add("name", invalid, named.error().message());
  }
  if (config.block_size < config.pod_network.length()) {
    errors.add("blockSize", invalid,
               str("a block of /", int{config.block_size}, " is larger than podNetwork ",
                   to_string(config.pod_network)));
  }
  check_networks(config, errors);
  check_segments(config, errors);
  check_hosts(config, errors);
  check_port_names(config, errors);
}

bool is_dns_label(std::string_view name, size_t most) {
  auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > most || !alnum(name.front()) || !alnum(name.back())) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [&](char c) { return alnum(c) || c == '-'; });
}

bool is_link_name(std::string_view name) {
  auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 15 && name != "lo" && name != "all" && name != "default" &&
         std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace hoplab::plan
