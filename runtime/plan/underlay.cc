#include "runtime/plan/underlay.h"

#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

constexpr size_t max_link_name = 15;

/// Stable and readable in a capture: the prefix of virtual machines, then the address's last three
/// bytes. Unique in a segment, because a segment is at most a /8.
Mac mac_of(const HostInterface& interface) {
  uint32_t ip = interface.address.address().value();
  return Mac{{0x52, 0x54, 0x00, static_cast<uint8_t>(ip >> 16U), static_cast<uint8_t>(ip >> 8U),
              static_cast<uint8_t>(ip)}};
}

LinkSet switch_on(const std::string& link) {
  LinkSet set;
  set.name = link;
  set.up = true;
  return set;
}

class Plan {
 public:
  Plan(const ClusterConfig& config, const UnderlayFacts& facts) : config_(config), facts_(facts) {}

  void switches() {
    if (config_.segments.empty()) return;
    if (facts_.bridge_netfilter) {
      for (const char* key :
           {"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables",
            "net/bridge/bridge-nf-call-arptables"}) {
        add("", SysctlSet{key, "0"}, "a switch passes frames on and does not filter packets");
      }
    }
    if (facts_.ipv6) {
      add("", SysctlSet{"net/ipv6/conf/default/disable_ipv6", "1"},
          "a switch has no addresses of its own");
    }
    for (const auto& segment : config_.segments) {
      Link link;
      link.name = segment.name;
      link.kind = LinkKind::bridge;
      link.up = true;
      add("", LinkAdd{link}, str("the switch of network ", to_string(segment.network)));
    }
  }

  void cables(const HostConfig& host) {
    for (const auto& interface : host.interfaces) {
      Link port;
      port.name = port_name(config_, host, interface);
      port.kind = LinkKind::veth;
      port.master = interface.segment;
      port.up = true;
      Link end;
      end.name = interface.name;
      end.kind = LinkKind::veth;
      end.mac = mac_of(interface);
      add("", VethAdd{port, end, host.name},
          str("the cable from switch ", interface.segment, " to ", interface.name, " of ",
              host.name));
    }
  }

  /// Before the first cable is plugged in: a link takes over the defaults when it is made.
  void basics(const HostConfig& host) {
    add(host.name, switch_on("lo"), "127.0.0.1 answers only when lo is up");
    bool router = host.role == HostRole::router;
    add(host.name, SysctlSet{"net/ipv4/ip_forward", router ? "1" : "0"},
        router ? "a router passes packets on between its interfaces"
               : "this host is no router; nothing is inherited from the computer");
    for (const char* key : {"net/ipv4/conf/all/rp_filter", "net/ipv4/conf/default/rp_filter"}) {
      add(host.name, SysctlSet{key, "0"},
          "the kernel's default, whatever the computer outside has set");
    }
    if (facts_.ipv6) {
      add(host.name, SysctlSet{"net/ipv6/conf/default/disable_ipv6", "1"},
          "the lab speaks IPv4; captures stay free of router solicitations");
    }
  }

  void addresses(const HostConfig& host) {
    for (const auto& interface : host.interfaces) {
      add(host.name, switch_on(interface.name), "plugged in and switched on");
      add(host.name, AddressAdd{{interface.name, interface.address, interface.address.broadcast()}},
          str("its address in network ", to_string(interface.address.masked())));
      for (const auto& also : interface.also) {
        add(host.name, AddressAdd{{interface.name, also, {}}},
            "one of the well-known addresses that this host pretends to be");
      }
    }
    default_route(host);
  }

  std::vector<Operation> take() { return std::move(operations_); }

 private:
  void default_route(const HostConfig& host) {
    if (!host.gateway) return;
    for (const auto& interface : host.interfaces) {
      if (!interface.address.contains(*host.gateway)) continue;
      Route route;
      route.gateway = *host.gateway;
      route.link = interface.name;
      add(host.name, RouteReplace{route},
          str("what is not on its own network goes to ", to_string(*host.gateway)));
      return;
    }
  }

  void add(std::string netns, Action action, std::string reason) {
    operations_.push_back({std::move(netns), std::move(action), std::move(reason)});
  }

  const ClusterConfig& config_;
  const UnderlayFacts& facts_;
  std::vector<Operation> operations_;
};

}  // namespace

std::string port_name(const ClusterConfig& config, const HostConfig& host,
                      const HostInterface& interface) {
  std::string name = host.name + "-" + interface.name;
  if (name.size() <= max_link_name) return name;
  return str("port", &host - config.hosts.data(), "-", interface.name);
}

std::vector<Operation> plan_underlay(const ClusterConfig& config, const UnderlayFacts& facts) {
  Plan plan(config, facts);
  for (const auto& host : config.hosts) plan.basics(host);
  plan.switches();
  for (const auto& host : config.hosts) plan.cables(host);
  for (const auto& host : config.hosts) plan.addresses(host);
  return plan.take();
}

std::vector<Operation> plan_host_underlay(const ClusterConfig& config, const HostConfig& host,
                                          const UnderlayFacts& facts) {
  Plan plan(config, facts);
  plan.basics(host);
  plan.cables(host);
  plan.addresses(host);
  return plan.take();
}

std::vector<Operation> plan_host_removal(const ClusterConfig& config, const HostConfig& host) {
  std::vector<Operation> operations;
  for (const auto& interface : host.interfaces) {
    operations.push_back({"", LinkDelete{port_name(config, host, interface)},
                          "the cable of a host that is switched off"});
  }
  return operations;
}

std::string render_hosts_file(const ClusterConfig& config, const HostConfig& host) {
  std::string text = "127.0.0.1 localhost\n127.0.1.1 " + host.name + "\n";
  if (!host.address().is_unspecified()) {
    text = str("127.0.0.1 localhost\n", to_string(host.address()), " ", host.name, "\n");
  }
  for (const auto& other : config.hosts) {
    if (other.name == host.name || other.address().is_unspecified()) continue;
    text += str(to_string(other.address()), " ", other.name, "\n");
  }
  return text;
}

std::string render_resolv_conf(const ClusterConfig& config) {
  std::string text;
  for (const auto& host : config.hosts) {
    if (host.role != HostRole::internet) continue;
    for (const auto& interface : host.interfaces) {
      for (const auto& also : interface.also) {
        text += str("nameserver ", to_string(also.address()), "\n");
      }
    }
  }
  return text;
}

}  // namespace hoplab::plan
