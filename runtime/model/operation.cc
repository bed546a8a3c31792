#include "runtime/model/operation.h"

#include <algorithm>
#include <iterator>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

// Writes one action as the words behind `ip [-n NETNS]`; nothing for those of other programs.
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
    if (set.arp) out += *set.arp ? " arp on" : " arp off";
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

  template <typename Other>
  std::string operator()(const Other&) const {
    return {};
  }

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

std::string filter_words(const char* verb, const BpfFilter& filter) {
  return str("filter ", verb, " dev ", filter.link,
             filter.hook == TrafficHook::ingress ? " ingress" : " egress", " protocol ip pref ",
             filter.preference, " handle 0x", std::hex, filter.handle, " bpf");
}

// The words behind `tc [-n NETNS]`. A person has the program pinned or in an object file.
std::string tc_words(const Action& action) {
  if (const auto* add = std::get_if<ClsactAdd>(&action)) {
    return str("qdisc add dev ", add->link, " clsact");
  }
  if (const auto* replace = std::get_if<FilterReplace>(&action)) {
    return filter_words("replace", replace->filter) + " direct-action object-pinned /sys/fs/bpf/" +
           replace->filter.program;
  }
  if (const auto* remove = std::get_if<FilterDelete>(&action)) {
    return filter_words("del", remove->filter);
  }
  return {};
}

}  // namespace

std::string to_command(const Operation& operation) {
  const std::string& netns = operation.netns;
  const std::string inside = netns.empty() ? "" : "ip netns exec " + shell_quote(netns) + " ";
  if (const auto* sysctl = std::get_if<SysctlSet>(&operation.action)) {
    return inside + sysctl_command(*sysctl);
  }
  if (const auto* set = std::get_if<OffloadSet>(&operation.action)) {
    return inside + "ethtool -K " + set->link + (set->on ? " tx on" : " tx off");
  }
  if (const std::string words = tc_words(operation.action); !words.empty()) {
    return (netns.empty() ? "tc " : "tc -n " + shell_quote(netns) + " ") + words;
  }
  std::string prefix = netns.empty() ? "ip " : "ip -n " + shell_quote(netns) + " ";
  return prefix + std::visit(IpWords{}, operation.action);
}

void append(std::vector<Operation>& all, std::vector<Operation> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace hoplab
