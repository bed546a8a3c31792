#include "runtime/reconcile/calico_kernel.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/conntrack.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/ipset.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/plan/pod_network.h"
#include "runtime/plan/tunnel_plan.h"

namespace hoplab::reconcile {

namespace {

constexpr const char* ip_forward = "net/ipv4/ip_forward";

struct Observed {
  std::vector<Link> links;
  std::vector<Address> addresses;
  std::vector<Route> routes;
  std::vector<Neighbor> neighbors;

  [[nodiscard]] const Link* link(const std::string& name) const {
    auto found = std::find_if(links.begin(), links.end(),
                              [&](const Link& link) { return link.name == name; });
    return found == links.end() ? nullptr : &*found;
  }
};

Result<Observed> observe(NetlinkSocket& socket) {
  Observed out;
  HOP_TRY(out.links, dump_links(socket));
  HOP_TRY(out.addresses, dump_addresses(socket));
  HOP_TRY(out.routes, dump_routes(socket));
  HOP_TRY(out.neighbors, dump_neighbors(socket));
  return out;
}

bool through_tunnel(const Operation& operation, const std::string& tunnel) {
  const auto* route = std::get_if<RouteReplace>(&operation.action);
  return route != nullptr && route->route.link == tunnel;
}

/// Whether an event is about something calico-node keeps.
struct Concerns {
  const plan::BlockRoutesInput& routes;

  [[nodiscard]] bool is_ours(const std::string& link) const {
    return link == routes.tunnel || link == routes.uplink;
  }
  bool operator()(const std::monostate&) const { return true; }  // events were lost
  bool operator()(const Link& link) const { return is_ours(link.name); }
  bool operator()(const Address& address) const { return is_ours(address.link); }
  bool operator()(const Route& route) const {
    return route.protocol == route_protocol::bird || route.destination.length() == 0;
  }
  bool operator()(const Neighbor& neighbor) const {
    return neighbor.link == routes.tunnel && neighbor.permanent;
  }
};

}  // namespace

CalicoKernel::CalicoKernel(NetlinkMonitor monitor, NetlinkSocket route, NetlinkSocket netfilter,
                           nft::Firewall firewall)
    : monitor_(std::move(monitor)),
      route_(std::move(route)),
      netfilter_(std::move(netfilter)),
      firewall_(std::move(firewall)) {}

Result<CalicoKernel> CalicoKernel::open() {
  HOP_TRY(NetlinkMonitor monitor, NetlinkMonitor::open());
  HOP_TRY(NetlinkSocket route, NetlinkSocket::open());
  HOP_TRY(NetlinkSocket netfilter, NetlinkSocket::open(NetlinkSocket::Family::netfilter));
  HOP_TRY(nft::Firewall firewall, nft::Firewall::open({std::string(plan::felix_owner),
                                                       {std::string(plan::felix_chain_prefix)}}));
  return CalicoKernel(std::move(monitor), std::move(route), std::move(netfilter),
                      std::move(firewall));
}

Result<bool> CalicoKernel::interesting(const plan::BlockRoutesInput& routes) {
  HOP_TRY(const std::vector<NetlinkEvent> events, monitor_.read());
  return std::any_of(events.begin(), events.end(), [&](const NetlinkEvent& event) {
    return std::visit(Concerns{routes}, event.object);
  });
}

Result<CalicoKernel::Uplink> CalicoKernel::find_uplink(Ipv4 node) {
  HOP_TRY(const Observed now, observe(route_));
  Uplink out;
  for (const Address& address : now.addresses) {
    if (address.prefix.address() != node) continue;
    out.link = address.link;
    out.address = address.prefix;
    if (const Link* link = now.link(address.link)) out.mtu = link->mtu;
  }
  if (out.link.empty()) {
    return Error(ErrorCode::not_found, str("no link has the node's address ", to_string(node),
                                           "; is it the right node?"));
  }
  for (const Route& route : now.routes) {
    if (route.destination.length() == 0 && route.link == out.link) out.gateway = route.gateway;
  }
  return out;
}

Result<CalicoKernel::Synced> CalicoKernel::sync_network(const NodeNetwork& wanted) {
  HOP_TRY(const Observed now, observe(route_));
  const std::string& tunnel = wanted.routes.tunnel;
  const Link* link = now.link(tunnel);
  Synced out;
  HOP_TRY(const std::string forwarding, read_sysctl_here(ip_forward));
  if (forwarding != "1") {
    out.done.push_back({wanted.routes.netns, SysctlSet{ip_forward, "1"},
                        "a node routes packets between its pods and the other nodes"});
  }
  if (auto route = plan::proxy_arp_route(now.routes, wanted.routes.netns, wanted.routes.uplink)) {
    out.done.push_back(*route);
  }
  if (wanted.tunnel_address) {
    out.tunnel_missing = link == nullptr;
    const plan::TunnelInput input{wanted.routes.netns, tunnel, wanted.tunnel_mtu,
                                  Prefix::host(*wanted.tunnel_address)};
    append(out.done, plan::plan_tunnel_link(input, link, now.addresses));
  }
  if (link != nullptr && plan::tunnel_needs_neighbors(*link)) {
    append(out.done, plan::plan_tunnel_neighbors(wanted.routes, now.neighbors));
  }
  plan::RoutePlan routes = plan::plan_block_routes(wanted.routes, now.routes);
  if (link == nullptr) {
    std::erase_if(routes.operations, [&](const Operation& one) {
      return through_tunnel(one, tunnel);  // they follow when the tunnel's link is there
    });
  }
  append(out.done, std::move(routes.operations));
  out.conflicts = std::move(routes.conflicts);
  ApplyContext context;
  context.tolerated_on_delete = absent_errnos();
  HOP_CHECK(apply_operations(route_, out.done, context).status());
  return out;
}

Result<std::vector<Operation>> CalicoKernel::missing_pod_routes(
    const std::vector<plan::LocalPod>& pods) {
  HOP_TRY(const auto links, dump_links(route_));
  HOP_TRY(const auto routes, dump_routes(route_));
  return plan::missing_pod_routes(pods, links, routes);
}

Result<void> CalicoKernel::apply(const std::vector<Operation>& operations) {
  return apply_operations(route_, operations).status();
}

Result<bool> CalicoKernel::sync_sets(const plan::FelixRulesInput& input) {
  auto present = dump_ipsets(netfilter_);
  if (!present) return false;
  std::vector<IpSetOperation> operations;
  for (const IpSet& wanted : plan::felix_sets(input)) {
    std::optional<IpSet> observed;
    for (const IpSet& set : *present) {
      if (set.name == wanted.name) observed = set;
    }
    for (auto& operation : diff(wanted, observed, "", "the addresses of the IP pools")) {
      operations.push_back(std::move(operation));
    }
  }
  if (!operations.empty()) HOP_CHECK(apply_ipset_operations(netfilter_, operations).status());
  return true;
}

Result<size_t> CalicoKernel::sync_rules(plan::FelixRulesInput input) {
  HOP_TRY(input.use_sets, sync_sets(input));
  HOP_TRY(const nft::ApplyReport report, firewall_.sync(plan::felix_rules(input)));
  return report.changes.size();
}

Result<size_t> CalicoKernel::forget_connections(const std::set<Ipv4>& addresses) {
  std::vector<ConntrackFilter> filters;
  for (const Ipv4 ip : addresses) {
    ConntrackFilter filter;
    filter.any_address = ip;
    filters.push_back(filter);
  }
  if (filters.empty()) return size_t{0};
  return delete_conntrack(netfilter_, filters);
}

}  // namespace hoplab::reconcile
