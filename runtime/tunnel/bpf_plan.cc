#include "runtime/tunnel/bpf_plan.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::tunnel {

namespace {

// The number of IP in IP among protocols: easy to recognize, and early.
constexpr uint16_t preference = 4;

const Route* longest_match(const std::vector<Route>& routes, Ipv4 destination,
                           const std::string& tunnel) {
  const Route* best = nullptr;
  for (const Route& route : routes) {
    if (route.type != RouteType::unicast || route.link.empty() || route.link == tunnel) continue;
    if (!route.destination.contains(destination)) continue;
    if (best == nullptr || route.destination.length() > best->destination.length() ||
        (route.destination.length() == best->destination.length() && route.metric < best->metric)) {
      best = &route;
    }
  }
  return best;
}

/// The gateway of a route through the tunnel is a node. Any will do: nodes have one uplink.
std::optional<Ipv4> some_node(const std::vector<Route>& routes, const std::string& tunnel) {
  for (const Route& route : routes) {
    if (route.link == tunnel && route.gateway) return route.gateway;
  }
  return std::nullopt;
}

std::optional<Ipv4> address_for(const BpfObserved& observed, const Route& route, Ipv4 node) {
  if (route.source) return route.source;
  const Ipv4 hop = route.gateway.value_or(node);
  std::optional<Ipv4> first;
  for (const Address& address : observed.addresses) {
    if (address.link != route.link) continue;
    if (address.prefix.contains(hop)) return address.prefix.address();
    if (!first) first = address.prefix.address();
  }
  return first;
}

bool is_ours(const BpfFilter& filter) {
  return filter.program == encap_name || filter.program == decap_name;
}

void attach(const BpfObserved& observed, const BpfFilter& wanted, uint64_t tag,
            const std::string& reason, std::vector<Operation>& out) {
  const BpfFilter* found = observed.filter(wanted);
  if (found != nullptr && found->tag == tag && found->program == wanted.program) return;
  if (!observed.has_clsact(wanted.link)) {
    out.push_back({"", ClsactAdd{wanted.link}, "a place for the tunnel's program"});
  }
  out.push_back({"", FilterReplace{wanted}, reason});
}

}  // namespace

BpfFilter encap_filter(const std::string& tunnel) {
  BpfFilter out;
  out.link = tunnel_peer_name(tunnel);
  out.preference = preference;
  out.program = encap_name;
  return out;
}

BpfFilter decap_filter(const std::string& uplink) {
  BpfFilter out;
  out.link = uplink;
  out.preference = preference;
  out.program = decap_name;
  return out;
}

const Link* BpfObserved::link(const std::string& name) const {
  const auto found =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
  return found == links.end() ? nullptr : &*found;
}

const BpfFilter* BpfObserved::filter(const BpfFilter& place) const {
  const auto found = std::find_if(filters.begin(), filters.end(), [&](const BpfFilter& filter) {
    return filter.link == place.link && filter.hook == place.hook &&
           filter.preference == place.preference && filter.handle == place.handle;
  });
  return found == filters.end() ? nullptr : &*found;
}

bool BpfObserved::has_clsact(const std::string& link) const {
  // An "ingress" qdisc has the same hook for packets that come in, and excludes a clsact one.
  return std::any_of(qdiscs.begin(), qdiscs.end(), [&](const Qdisc& qdisc) {
    return qdisc.link == link && (qdisc.kind == "clsact" || qdisc.kind == "ingress");
  });
}

std::optional<Uplink> find_uplink(const BpfObserved& observed, const std::string& tunnel) {
  const auto node = some_node(observed.routes, tunnel);
  const Ipv4 target = node.value_or(Ipv4());  // no node yet: where the default route leads
  const Route* route = longest_match(observed.routes, target, tunnel);
  if (route == nullptr) return std::nullopt;
  const auto address = address_for(observed, *route, target);
  if (!address) return std::nullopt;
  return Uplink{route->link, *address};
}

std::vector<Operation> plan_bpf_tunnel(const BpfObserved& observed, const std::string& tunnel,
                                       const std::optional<Uplink>& uplink, uint64_t encap_tag,
                                       uint64_t decap_tag) {
  std::vector<Operation> out;
  const Link* link = observed.link(tunnel);
  if (link != nullptr && link->arp) {
    LinkSet set;
    set.name = tunnel;
    set.arp = false;
    out.push_back({"", set, "next hops through the tunnel are nodes, not neighbors with MACs"});
  }
  if (observed.forwarding != "1") {
    out.push_back({"", SysctlSet{str("net/ipv4/conf/", tunnel, "/forwarding"), "1"},
                   "the program may look for routes only through links that forward"});
  }
  attach(observed, encap_filter(tunnel), encap_tag,
         "puts the outer header in front of what left the tunnel's link", out);
  if (uplink) {
    attach(observed, decap_filter(uplink->link), decap_tag,
           "takes the outer header off and hands the packet to the tunnel's link", out);
  }
  for (const BpfFilter& filter : observed.filters) {
    const bool wanted =
        filter.link == encap_filter(tunnel).link || (uplink && filter.link == uplink->link);
    if (!is_ours(filter) || wanted || !uplink) continue;
    out.push_back({"", FilterDelete{filter}, "packets of other nodes come by another link now"});
  }
  return out;
}

std::vector<Operation> plan_without_bpf(const BpfObserved& observed, const std::string& tunnel) {
  std::vector<Operation> out;
  for (const BpfFilter& filter : observed.filters) {
    if (!is_ours(filter)) continue;
    out.push_back({"", FilterDelete{filter}, "a process carries the packets instead"});
  }
  const Link* link = observed.link(tunnel);
  if (link != nullptr && !link->arp) {
    LinkSet set;
    set.name = tunnel;
    set.arp = true;
    out.push_back({"", set, "the process reads the next hop from the neighbor's MAC"});
  }
  return out;
}

}  // namespace hoplab::tunnel
