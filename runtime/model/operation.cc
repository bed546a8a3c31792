#include "runtime/model/operation.h"

#include "runtime/base/text.h"

namespace hoplab {
namespace {

// Writes one action as the words behind `ip [-n NETNS]`.
struct IpWords {
  std::string operator()(const LinkAdd& add) const {
    return "link add " + link_words(add.link) + " type " + std::string(to_string(add.link.kind));
  }

  std::string operator()(const VethAdd& add) const {
    std::string out =
        "link add " + link_words(add.link) + " type veth peer name " + link_words(add.peer);
    if (!add.peer_netns.empty()) out += " netns " + shell_quote(add.peer_netns);
    return out;
  }

  std::string operator()(const LinkSet& set) const {
    std::string out = "link set " + set.name;
    if (set.mac) out += " address " + to_string(*set.mac);
    if (set.mtu) out += " mtu " + std::to_string(*set.mtu);
    if (set.master) out += set.master->empty() ? " nomaster" : " master " + *set.master;
    if (set.alias) out += " alias " + shell_quote(*set.alias);
    if (set.up) out += *set.up ? " up" : " down";
    return out;
  }

  std::string operator()(const LinkDelete& remove) const { return "link del " + remove.name; }

  std::string operator()(const AddressAdd& add) const { return "addr add " + address(add.address); }
  std::string operator()(const AddressDelete& remove) const {
    return "addr del " + address(remove.address);
  }

  std::string operator()(const RouteReplace& replace) const {
    const Route& route = replace.route;
    std::string out = "route replace " + to_string(route);
    // Without a gateway `ip` would choose "scope link" by itself.
    if (route.type == RouteType::unicast && !route.gateway && route.scope == RouteScope::universe) {
      out += " scope global";
    }
    return out;
  }
  std::string operator()(const RouteDelete& remove) const {
    return "route del " + to_string(remove.route);
  }

  std::string operator()(const NeighborReplace& replace) const {
    const Neighbor& neighbor = replace.neighbor;
    std::string out = "neigh replace " + neighbor_words(neighbor);
    if (!neighbor.proxy) out += neighbor.permanent ? " nud permanent" : " nud reachable";
    return out;
  }
  std::string operator()(const NeighborDelete& remove) const {
    return "neigh del " + neighbor_words(remove.neighbor);
  }

  std::string operator()(const SysctlSet&) const { return {}; }

  static std::string link_words(const Link& link) {
    std::string out = link.name;
    if (link.mac) out += " address " + to_string(*link.mac);
    if (link.mtu != 0) out += " mtu " + std::to_string(link.mtu);
    if (link.group != 0) out += " group " + std::to_string(link.group);
    if (!link.master.empty()) out += " master " + link.master;
    if (link.up) out += " up";
    return out;
  }

  static std::string address(const Address& address) {
    std::string out = to_string(address.prefix);
    if (address.broadcast) out += " brd " + to_string(*address.broadcast);
    return out + " dev " + address.link;
  }

  static std::string neighbor_words(const Neighbor& neighbor) {
    std::string out = neighbor.proxy ? "proxy " : "";
    out += to_string(neighbor.ip);
    if (neighbor.mac) out += " lladdr " + to_string(*neighbor.mac);
    return out + " dev " + neighbor.link;
  }
};

std::string sysctl_command(const SysctlSet& set) {
  std::string key = set.key;
  // sysctl(8) takes slashes too, which is the only way when a link's name has a dot in it.
  if (key.find('.') == std::string::npos) {
    for (char& c : key) {
      if (c == '/') c = '.';
    }
  }
  return "sysctl -w " + shell_quote(key + "=" + set.value);
}

}  // namespace

std::string to_command(const Operation& operation) {
  const std::string& netns = operation.netns;
  if (const auto* sysctl = std::get_if<SysctlSet>(&operation.action)) {
    std::string prefix = netns.empty() ? "" : "ip netns exec " + shell_quote(netns) + " ";
    return prefix + sysctl_command(*sysctl);
  }
  std::string prefix = netns.empty() ? "ip " : "ip -n " + shell_quote(netns) + " ";
  return prefix + std::visit(IpWords{}, operation.action);
}

}  // namespace hoplab
