#include "runtime/engine/host_network.h"

#include <algorithm>
#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/engine/bridge_plan.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/settle.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/nft/transaction.h"

namespace hoplab::engine {

namespace {

constexpr const char* ip_forward = "net/ipv4/ip_forward";

/// Of an existing chain too: the kernel takes a chain that is made again as a change of its policy.
Result<void> drop_by_default(nft::NftSocket& socket) {
  nft::ChangePlan plan;
  auto base = builtin_chain("filter", "FORWARD");
  base->accept = false;
  plan.build.push_back({nft::ChangeKind::add_table, "filter", "", {}, {}, 0, 0});
  plan.build.push_back({nft::ChangeKind::add_chain, "filter", "FORWARD", base, {}, 0, 0});
  auto report = nft::commit(socket, plan, {.owner = "", .set_index = {}});
  if (report.error) return *report.error;
  return {};
}

}  // namespace

Result<HostNetwork> HostNetwork::open() {
  HOP_TRY(NetlinkSocket route, NetlinkSocket::open());
  HOP_TRY(nft::Firewall firewall, nft::Firewall::open({rules_owner, {rules_chain_prefix}}));
  return HostNetwork(std::move(route), std::move(firewall));
}

Result<void> HostNetwork::prepare() {
  HOP_TRY(const std::string forwarding, read_sysctl_here(ip_forward));
  if (forwarding == "1") return {};
  HOP_CHECK(write_sysctl_here(ip_forward, "1"));
  return drop_by_default(firewall_.socket()).context("setting FORWARD's policy to DROP");
}

Result<void> HostNetwork::ensure_bridge(const Network& network) {
  const std::vector<Operation> operations = make_bridge(network);
  ApplyContext context;
  context.tolerated_on_add = {EEXIST};
  return apply_operations(route_, operations, context).status();
}

Result<void> HostNetwork::remove_bridge(const Network& network) {
  const std::vector<Operation> operations = engine::remove_bridge(network);
  ApplyContext context;
  context.tolerated_on_delete = absent_errnos();
  return apply_operations(route_, operations, context).status();
}

Result<std::vector<Prefix>> HostNetwork::routes() {
  HOP_TRY(const std::vector<Route> routes, dump_routes(route_));
  std::vector<Prefix> out;
  for (const Route& route : routes) out.push_back(route.destination);
  return out;
}

Result<void> HostNetwork::attach(const Fd& netns, std::span<const Attachment> attachments) {
  if (attachments.empty()) return {};
  std::vector<Operation> outside;
  std::vector<Operation> inside;
  std::vector<std::string> links;
  for (const Attachment& one : attachments) {
    const Wiring wiring{"container", one.endpoint->interface, one.default_route};
    append(outside, wire_host_side(*one.network, *one.endpoint, wiring));
    append(inside, wire_container_side(*one.network, *one.endpoint, wiring));
    links.push_back(one.endpoint->host_link);
  }
  ApplyContext context;
  context.peer_netns = [&](const std::string&) -> Result<int> { return netns.get(); };
  auto wired = [&]() -> Result<void> {
    HOP_CHECK(apply_operations(route_, outside, context).status());
    HOP_TRY(NetlinkSocket container, NetlinkSocket::open_in(netns.get()));
    HOP_CHECK(apply_operations(container, inside).status());
    HOP_TRY(const Fd here, current_netns());
    return settle_links(here.get(), links);
  }();
  if (!wired) (void)detach(links).ok();
  return wired;
}

Result<void> HostNetwork::set_way_out(const Fd& netns, const Attachment& attachment) {
  Route route;
  route.gateway = attachment.network->gateway;
  route.link = attachment.endpoint->interface;
  const Operation operation{"container", RouteReplace{route}, "the way out has changed"};
  HOP_TRY(NetlinkSocket container, NetlinkSocket::open_in(netns.get()));
  return apply_operations(container, std::span(&operation, 1)).status();
}

Result<void> HostNetwork::detach(std::span<const std::string> host_links) {
  std::vector<Operation> operations;
  for (const std::string& link : host_links) {
    operations.push_back({"", LinkDelete{link}, "the container is gone"});
  }
  ApplyContext context;
  context.tolerated_on_delete = absent_errnos();
  context.keep_going = true;
  return apply_operations(route_, operations, context).status();
}

Result<void> HostNetwork::sync_rules(std::span<const Network> networks,
                                     std::span<const Forwarding> forwardings) {
  HOP_TRY([[maybe_unused]] const nft::ApplyReport report,
          firewall_.sync(bridge_rules(networks, forwardings)));
  return {};
}

}  // namespace hoplab::engine
