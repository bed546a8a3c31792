#include "cmd/sandbox_hosts.h"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/socket.h"
#include "runtime/proc/mounts.h"
#include "runtime/proc/sandbox_mounts.h"
#include "runtime/proc/sandbox_wait.h"

namespace hoplab::cmd {

namespace {

constexpr Millis node_init_timeout{10000};
constexpr Millis first_pause{500};
constexpr Millis longest_pause{30000};
constexpr Millis settled_after{30000};

std::string backing_of(const plan::HostConfig& host) {
  return str(proc::inside::nodes, '/', host.name);
}

/// A host's /run/hoplab, with its pods' volumes and logs: bounded, so that no pod takes the memory
/// of the computer or the room of other hosts. Kept while the host is off.
Result<void> mount_backing(const plan::HostConfig& host) {
  HOP_CHECK(make_directories(backing_of(host)));
  return proc::mount_filesystem("tmpfs", backing_of(host), MS_NOSUID | MS_NODEV,
                                "mode=755,size=20%");
}

}  // namespace

plan::UnderlayFacts underlay_facts() {
  plan::UnderlayFacts facts;
  facts.bridge_netfilter = ::access("/proc/sys/net/bridge", F_OK) == 0;
  facts.ipv6 = ::access("/proc/sys/net/ipv6", F_OK) == 0;
  return facts;
}

SandboxHosts::SandboxHosts(const SandboxSpec& spec, Log log, Show show)
    : spec_(spec), log_(std::move(log)), show_(std::move(show)), facts_(underlay_facts()) {}

Result<void> SandboxHosts::build(const std::function<Result<void>()>& wired,
                                 const std::function<void()>& master_runs) {
  for (const auto& host : spec_.config.hosts) {
    HOP_CHECK(mount_backing(host));
    HOP_CHECK(begin(host));
  }
  HOP_CHECK(apply(plan::plan_underlay(spec_.config, facts_)));
  HOP_CHECK(wired());
  // The server's start takes longest, so it goes first; everybody else's dials wait for it in its
  // listener.
  if (const plan::HostConfig* master = spec_.config.control_plane()) {
    HOP_CHECK(start_init(*master));
    master_runs();
  }
  for (auto& [_, entry] : entries_) {
    if (!entry.running) proc::release_host(entry.host);
  }
  for (const auto& host : spec_.config.hosts) {
    if (!entries_[host.name].running) HOP_CHECK(start_init(host));
  }
  for (const auto& host : spec_.config.hosts) HOP_CHECK(wait_for_init(host));
  return {};
}

proc::HostSpec SandboxHosts::host_spec(const plan::HostConfig& host) const {
  proc::HostSpec spec;
  spec.name = host.name;
  spec.backing = backing_of(host);
  spec.tools = proc::inside::tools;
  spec.init.executable = proc::inside::executable;
  spec.init.argv = {"hoplab", "node-init"};
  spec.init.env = proc::inside_environment();
  spec.user_namespace = spec_.user_namespace;
  return spec;
}

Result<void> SandboxHosts::begin(const plan::HostConfig& host) {
  auto files = spec_.files.find(host.name);
  if (files != spec_.files.end()) {
    HOP_CHECK(proc::write_files(backing_of(host), files->second));
  }
  // Of an earlier life of the host; it would look like one that is bound but not listening.
  ::unlink((backing_of(host) + "/node.sock").c_str());
  HOP_TRY(proc::Host started, proc::begin_host(host_spec(host)));
  HOP_CHECK(proc::name_netns(started.namespaces.find("net"), host.name));
  Entry& entry = entries_[host.name];
  entry.host = std::move(started);
  entry.started_at = SystemClock().steady();
  return {};
}

Result<void> SandboxHosts::start_init(const plan::HostConfig& host) {
  Entry& entry = entries_[host.name];
  proc::release_host(entry.host);
  HOP_CHECK(proc::confirm_host(entry.host, host.name));
  entry.running = true;
  return {};
}

Result<void> SandboxHosts::wait_for_init(const plan::HostConfig& host) {
  return proc::wait_for_listener(backing_of(host) + "/node.sock", node_init_timeout)
      .context("node-init of host " + host.name);
}

Result<void> SandboxHosts::apply(const std::vector<Operation>& operations, bool removal) {
  ApplyContext context;
  context.peer_netns = [this](const std::string& name) -> Result<int> {
    int fd = netns(name);
    if (fd < 0) return Error(ErrorCode::internal, "no host " + name);
    return fd;
  };
  if (removal) context.tolerated_on_delete = absent_errnos();
  for (const auto& operation : operations) {
    if (show_) show_(operation);
  }
  std::span<const Operation> rest(operations);
  while (!rest.empty()) {
    const std::string& where = rest.front().netns;
    auto end = std::find_if(rest.begin(), rest.end(),
                            [&](const Operation& each) { return each.netns != where; });
    auto count = static_cast<size_t>(end - rest.begin());
    HOP_TRY(NetlinkSocket socket,
            where.empty() ? NetlinkSocket::open() : NetlinkSocket::open_in(netns(where)));
    HOP_CHECK(apply_operations(socket, rest.first(count), context).status());
    rest = rest.subspan(count);
  }
  return {};
}

bool SandboxHosts::ended(pid_t pid, SteadyTime now) {
  for (auto& [name, entry] : entries_) {
    if (entry.host.pid != pid || !entry.running) continue;
    entry.running = false;
    bool settled = now - entry.started_at > settled_after;
    entry.restarts = settled ? 1 : entry.restarts + 1;
    auto pause = first_pause * (1U << std::min(entry.restarts - 1, 6));
    entry.restart_at = now + std::min(pause, longest_pause);
    log_.warning("host " + name + " went off (its pid 1 ended); it starts again soon");
    return true;
  }
  return false;
}

void SandboxHosts::restart_due(SteadyTime now) {
  for (const auto& host : spec_.config.hosts) {
    Entry& entry = entries_[host.name];
    if (entry.running || entry.restart_at > now) continue;
    auto started = start_again(host);
    if (started) {
      log_.info("host " + host.name + " is on again");
      continue;
    }
    log_.error("starting host " + host.name + " again", started.error());
    entry.restart_at = now + longest_pause;
  }
}

Result<void> SandboxHosts::start_again(const plan::HostConfig& host) {
  // The old namespaces may live a while in a shell; their cables have to go now.
  HOP_CHECK(apply(plan::plan_host_removal(spec_.config, host), true));
  HOP_CHECK(begin(host));
  HOP_CHECK(apply(plan::plan_host_underlay(spec_.config, host, facts_)));
  HOP_CHECK(start_init(host));
  return wait_for_init(host);
}

std::optional<SteadyTime> SandboxHosts::next_restart() const {
  std::optional<SteadyTime> next;
  for (const auto& [_, entry] : entries_) {
    if (!entry.running && (!next || entry.restart_at < *next)) next = entry.restart_at;
  }
  return next;
}

int SandboxHosts::netns(const std::string& name) const {
  auto it = entries_.find(name);
  return it != entries_.end() ? it->second.host.namespaces.find("net") : -1;
}

const proc::Host* SandboxHosts::find(const std::string& name) const {
  auto it = entries_.find(name);
  return it != entries_.end() && it->second.running ? &it->second.host : nullptr;
}

Json SandboxHosts::status() const {
  Json hosts = Json::array();
  for (const auto& host : spec_.config.hosts) {
    const Entry& entry = entries_.at(host.name);
    Json row{{"name", host.name},
             {"role", plan::to_string(host.role)},
             {"state", entry.running ? "running" : "off"},
             {"restarts", entry.restarts},
             {"addresses", Json::array()}};
    for (const auto& interface : host.interfaces) {
      row["addresses"].push_back(to_string(interface.address.address()));
    }
    hosts.push_back(std::move(row));
  }
  return hosts;
}

}  // namespace hoplab::cmd
