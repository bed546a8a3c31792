#include "labs/host_state.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "labs/observe.h"
#include "labs/processes.h"
#include "runtime/base/clock.h"
#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/conntrack.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/sysctl.h"

namespace hoplab::labs {

namespace {

Result<void> end_processes(const HostBase& base, const std::vector<std::string>& ends) {
  const std::set<int> spared = own_line();
  std::vector<int> killed;
  for (const Process& each : all_processes()) {
    if (each.pid == 1 || spared.contains(each.pid)) continue;
    const bool named = std::find(ends.begin(), ends.end(), each.command) != ends.end() ||
                       base.daemons.contains(each.command);
    if (!named && !each.own_network) continue;
    if (::kill(each.pid, SIGKILL) == 0) killed.push_back(each.pid);
  }
  const SteadyTime end = SystemClock().steady() + std::chrono::seconds(10);
  for (int pid : killed) {
    while (is_running(pid)) {
      if (SystemClock().steady() > end) {
        return Error(ErrorCode::timed_out, str("process ", pid, " does not end"));
      }
      std::this_thread::sleep_for(Millis(1));
    }
  }
  return {};
}

Result<void> remove_namespaces() {
  for (const auto& name : named_namespaces()) {
    const std::string path = "/run/netns/" + name;
    ::umount2(path.c_str(), MNT_DETACH);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return Error::from_errno(errno, "removing namespace " + name);
    }
  }
  return {};
}

std::vector<Operation> removals(const HostBase& base, const NetworkState& there) {
  std::set<std::string> addresses{"lo 127.0.0.1/8"};
  std::set<std::string> routes;
  for (const Operation& each : base.operations) {
    if (const auto* add = std::get_if<AddressAdd>(&each.action)) {
      addresses.insert(str(add->address.link, ' ', to_string(add->address.prefix)));
    }
    if (const auto* add = std::get_if<RouteReplace>(&each.action)) {
      routes.insert(to_string(add->route));
    }
  }
  std::vector<Operation> out;
  auto add = [&out](Action action) { out.push_back({"", std::move(action), "not of the base"}); };
  for (const Route& route : there.main_routes()) {
    const bool ours = routes.contains(to_string(route));
    if (!ours && route.protocol != route_protocol::kernel) add(RouteDelete{route});
  }
  for (const Address& address : there.addresses) {
    const bool stays = base.links.contains(address.link) || address.link == "lo";
    if (stays && !addresses.contains(str(address.link, ' ', to_string(address.prefix)))) {
      add(AddressDelete{address});
    }
  }
  for (const Neighbor& neighbor : there.neighbors) add(NeighborDelete{neighbor});
  for (const Link& link : there.links) {
    if (link.kind != LinkKind::loopback && !base.links.contains(link.name)) {
      add(LinkDelete{link.name});
    }
  }
  return out;
}

Result<void> restore_network(const HostBase& base, int netns) {
  HOP_TRY(NetworkState there, observe_network(netns));
  for (const auto& name : base.links) {
    if (there.link(name) == nullptr) {
      return Error(ErrorCode::unavailable,
                   str("the cable ", name, " of host ", base.name, " is gone"));
    }
  }
  HOP_TRY(auto socket, NetlinkSocket::open_in(netns));
  ApplyContext context;
  context.tolerated_on_delete = absent_errnos();
  context.tolerated_on_add = {EEXIST};
  context.keep_going = true;
  HOP_CHECK(apply_operations(socket, removals(base, there), context).status());
  context.keep_going = false;
  return apply_operations(socket, base.operations, context).status();
}

/// Every table that exists, empty and open.
Result<void> restore_rules(int netns) {
  HOP_TRY(Captured now, capture({"iptables-save"}, netns));
  std::string wanted;
  for (auto line : split(std::string_view(now.output), '\n')) {
    auto parts = words(line);
    const bool built_in = line.starts_with(":") && parts.size() >= 2 && parts[1] != "-";
    if (line.starts_with("*") || line == "COMMIT") wanted += str(line, '\n');
    if (built_in) wanted += str(parts[0], " ACCEPT [0:0]\n");
  }
  if (wanted.empty()) return {};
  HOP_TRY(Captured done, capture({"iptables-restore"}, netns, wanted));
  if (done.code != 0) {
    return Error(ErrorCode::system, str("iptables-restore ended with code ", done.code));
  }
  return {};
}

Result<void> forget_connections(int netns) {
  HOP_TRY(auto socket, NetlinkSocket::open_in(netns, NetlinkSocket::Family::netfilter));
  // A kernel without conntrack has nothing to forget.
  [[maybe_unused]] auto deleted = delete_conntrack(socket, {ConntrackFilter{}});
  return {};
}

}  // namespace

Result<void> restore_host(const HostBase& base, const std::vector<std::string>& ends) {
  if (base.as_it_is) return {};
  HOP_TRY(Fd netns, host_netns());
  HOP_CHECK(end_processes(base, ends));
  HOP_CHECK(restore_network(base, netns.get()));
  HOP_CHECK(remove_namespaces());
  HOP_CHECK(restore_rules(netns.get()));
  HOP_CHECK(forget_connections(netns.get()));
  for (const char* key :
       {"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-arptables"}) {
    // What a new namespace has; absent without br_netfilter.
    [[maybe_unused]] auto written = write_sysctl(netns.get(), key, "1");
  }
  return {};
}

}  // namespace hoplab::labs
