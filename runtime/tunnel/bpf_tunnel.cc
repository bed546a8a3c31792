#include "runtime/tunnel/bpf_tunnel.h"

#include <poll.h>

#include <array>
#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/offload.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/netlink/traffic_control.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::tunnel {

namespace {

/// Filters raise no event that we listen to: they are looked at this often, as Felix does with its
/// tunnel.
constexpr Millis look_again{10000};
constexpr uint64_t ethernet_header = 14;

/// Where a filter of ours can be: not on the pods' cables, which are many.
bool may_be_uplink(const Link& link, const std::string& tunnel) {
  return link.kind != LinkKind::loopback && link.name != tunnel && !link.name.starts_with("cali");
}

Result<BpfObserved> observe(NetlinkSocket& socket, const std::string& tunnel) {
  BpfObserved out;
  HOP_TRY(out.links, dump_links(socket));
  HOP_TRY(out.addresses, dump_addresses(socket));
  HOP_TRY(out.routes, dump_routes(socket));
  HOP_TRY(out.qdiscs, dump_qdiscs(socket));
  for (const Link& link : out.links) {
    if (!may_be_uplink(link, tunnel)) continue;
    auto filters = dump_bpf_filters(socket, link.name, TrafficHook::ingress);
    if (!filters && filters.error().code() == ErrorCode::not_found) continue;  // gone meanwhile
    if (!filters) return std::move(filters).error();
    out.filters.insert(out.filters.end(), filters->begin(), filters->end());
  }
  if (auto forwarding = read_sysctl_here(str("net/ipv4/conf/", tunnel, "/forwarding"))) {
    out.forwarding = *forwarding;
  }
  return out;
}

uint64_t clsact_drops(const BpfObserved& observed, const std::string& link) {
  uint64_t out = 0;
  for (const Qdisc& qdisc : observed.qdiscs) {
    if (qdisc.link == link && qdisc.kind == "clsact") out += qdisc.drops;
  }
  return out;
}

}  // namespace

BpfTunnel::BpfTunnel(std::string name, Log log, NetlinkSocket socket, NetlinkMonitor monitor)
    : name_(std::move(name)),
      log_(std::move(log)),
      socket_(std::move(socket)),
      monitor_(std::move(monitor)) {}

Result<std::unique_ptr<BpfTunnel>> BpfTunnel::open(const std::string& name, const Log& log) {
  HOP_TRY(NetlinkMonitor monitor,
          NetlinkMonitor::open({.addresses = true, .routes = true, .neighbors = false}));
  HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
  std::unique_ptr<BpfTunnel> out(new BpfTunnel(name, log, std::move(socket), std::move(monitor)));
  // Only here: a learner may turn it on later and see what it changes.
  HOP_TRY(const bool offload, read_tx_offload_here(name));
  if (offload) {
    const std::vector<Operation> off{
        {"", OffloadSet{name, false}, "captures on the uplink show what a wire would carry"}};
    HOP_CHECK(apply_operations(out->socket_, off).status());
  }
  HOP_CHECK(out->converge());
  return out;
}

Result<void> BpfTunnel::load(const IpipConstants& constants) {
  if (encap_ && decap_ && constants == constants_) return {};
  HOP_TRY(encap_, bpf::Program::load(encap_name, encap_program(constants)));
  HOP_TRY(decap_, bpf::Program::load(decap_name, decap_program(constants)));
  constants_ = constants;
  return {};
}

Result<void> BpfTunnel::converge() {
  HOP_TRY(const BpfObserved now, observe(socket_, name_));
  const Link* tunnel = now.link(name_);
  const Link* peer = now.link(tunnel_peer_name(name_));
  if (tunnel == nullptr || peer == nullptr || !tunnel->mac) {
    return Error(ErrorCode::not_found, str("the tunnel's link ", name_, " is gone"));
  }
  const std::optional<Uplink> uplink = find_uplink(now, name_);
  if (uplink != uplink_) {
    log_.info(uplink
                  ? str("nodes are reached by ", uplink->link, " from ", to_string(uplink->address))
                  : std::string("no route leads to other nodes now"));
  }
  uplink_ = uplink;
  IpipConstants constants;
  constants.tunnel = tunnel->index;
  constants.peer = peer->index;
  constants.tunnel_mac = *tunnel->mac;
  if (uplink) {
    constants.local = uplink->address;
    if (const Link* link = now.link(uplink->link)) constants.uplink = link->index;
  }
  HOP_CHECK(load(constants));
  const std::vector<Operation> operations =
      plan_bpf_tunnel(now, name_, uplink, encap_->tag(), decap_->tag());
  ApplyContext context;
  context.tolerated_on_add = {EEXIST};
  context.tolerated_on_delete = absent_errnos();
  context.program = [this](const std::string& name) -> Result<int> {
    return name == encap_name ? encap_->fd() : decap_->fd();
  };
  HOP_CHECK(apply_operations(socket_, operations, context).status());
  for (const Operation& one : operations) log_.info(str(to_command(one), "  # ", one.reason));
  return {};
}

bool BpfTunnel::concerns(const NetlinkEvent& event) const {
  const auto ours = [this](const std::string& link) {
    return link == name_ || link == tunnel_peer_name(name_) || !uplink_ || link == uplink_->link;
  };
  if (const auto* link = std::get_if<Link>(&event.object)) return ours(link->name);
  if (const auto* address = std::get_if<Address>(&event.object)) return ours(address->link);
  if (const auto* route = std::get_if<Route>(&event.object)) return ours(route->link);
  return true;  // events were lost
}

Result<void> BpfTunnel::run(int stop_fd) {
  std::array<pollfd, 2> fds{{{stop_fd, POLLIN, 0}, {monitor_.fd(), POLLIN, 0}}};
  bool failed = false;
  for (;;) {
    const int ready = poll(fds.data(), fds.size(), static_cast<int>(look_again.count()));
    if (ready < 0 && errno != EINTR) return Error::from_errno(errno, "wait for network changes");
    if (fds[0].revents != 0) return {};
    bool look = ready == 0;
    if (ready > 0 && fds[1].revents != 0) {
      HOP_TRY(const std::vector<NetlinkEvent> events, monitor_.read());
      for (const NetlinkEvent& event : events) look = look || concerns(event);
    }
    if (!look) continue;
    auto done = converge();
    if (!done && done.error().code() == ErrorCode::not_found) return done;
    // Attached programs go on as they are; said once, tried again.
    if (!done && !failed) log_.error(str("keeping the programs of ", name_), done.error());
    failed = !done;
  }
}

Result<void> may_load_programs() {
  const bpf::Code nothing = bpf::assemble({bpf::set(bpf::r0, 0), bpf::leave()});
  if (auto loaded = bpf::Program::load("hoplab_probe", nothing); !loaded) {
    return std::move(loaded).error();
  }
  return {};
}

Result<Json> bpf_statistics(const std::string& name) {
  HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
  HOP_TRY(const BpfObserved now, observe(socket, name));
  const Link* link = now.link(name);
  if (link == nullptr) return Error(ErrorCode::not_found, str("there is no link ", name));
  const auto uplink = find_uplink(now, name);
  const auto direction = [](uint64_t packets, uint64_t bytes) -> Json {
    return {{"packets", packets},
            {"bytes", bytes - std::min(bytes, packets * ethernet_header)},
            {"frames", packets}};
  };
  return Json{{"variant", to_string(Variant::bpf)},
              {"out", direction(link->tx_packets, link->tx_bytes)},
              {"in", direction(link->rx_packets, link->rx_bytes)},
              {"dropped",
               {{"noNextHop", clsact_drops(now, tunnel_peer_name(name))},
                {"malformed", uplink ? clsact_drops(now, uplink->link) : 0},
                {"send", link->tx_dropped}}}};
}

Result<void> detach_bpf(NetlinkSocket& socket, const std::string& name) {
  HOP_TRY(const BpfObserved now, observe(socket, name));
  ApplyContext context;
  context.tolerated_on_delete = absent_errnos();
  return apply_operations(socket, plan_without_bpf(now, name), context).status();
}

}  // namespace hoplab::tunnel
