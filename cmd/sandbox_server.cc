#include "cmd/sandbox_server.h"

#include <sys/wait.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/netlink/netns.h"
#include "runtime/proc/spawn.h"
#include "web/http_server.h"

namespace hoplab::cmd {

namespace {

constexpr int loopback_number = 3;
constexpr int inside_number = 4;
constexpr Millis first_pause{50};
constexpr Millis longest_pause{10000};
constexpr Millis settled_after{10000};

std::string describe(int wait_status) {
  if (WIFSIGNALED(wait_status)) return str("killed by signal ", WTERMSIG(wait_status));
  return str("ended with code ", WEXITSTATUS(wait_status));
}

}  // namespace

SandboxServer::SandboxServer(const SandboxSpec& spec, Log log, Fd listener)
    : spec_(spec), log_(std::move(log)), listener_(std::move(listener)) {}

const proc::Host* SandboxServer::host(const SandboxHosts& hosts) const {
  const plan::HostConfig* master = spec_.config.control_plane();
  return master != nullptr ? hosts.find(master->name) : nullptr;
}

Result<void> SandboxServer::listen_inside(const SandboxHosts& hosts) {
  if (!listener_) return {};
  const plan::HostConfig* master = spec_.config.control_plane();
  HOP_TRY(auto guard, NetnsGuard::enter(hosts.netns(master->name)));
  HOP_TRY(inside_, web::listen_tcp(master->address(), spec_.config.api_port));
  return {};
}

void SandboxServer::start_if_due(const SandboxHosts& hosts, SteadyTime now) {
  if (!listener_ || pid_ > 0 || start_at_ > now) return;
  const proc::Host* where = host(hosts);
  if (where == nullptr) return;
  if (inside_of_ > 0 && inside_of_ != where->pid) {
    // The host was off; its network and with it the listener are others now.
    if (auto opened = listen_inside(hosts); !opened) log_.error("listening", opened.error());
  }
  inside_of_ = where->pid;
  proc::Program server;
  server.executable = proc::inside::executable;
  server.argv = {"hoplab",      "server",
                 "--listen-fd", std::to_string(loopback_number),
                 "--listen-fd", std::to_string(inside_number)};
  server.env = proc::inside_environment();
  server.descriptors = {{listener_.get(), loopback_number}, {inside_.get(), inside_number}};
  auto pid = proc::start_inside(where->namespaces, server);
  started_at_ = now;
  if (pid) {
    pid_ = *pid;
  } else {
    log_.error("starting", pid.error());
    start_at_ = now + longest_pause;
  }
}

void SandboxServer::ended(pid_t pid, int wait_status, SteadyTime now) {
  if (pid != pid_) return;
  pid_ = -1;
  ++restarts_;
  failures_ = now - started_at_ > settled_after ? 1 : failures_ + 1;
  auto pause = failures_ == 1 ? Millis(0) : first_pause * (1U << std::min(failures_ - 2, 10));
  start_at_ = now + std::min(pause, longest_pause);
  log_.warning(describe(wait_status) + "; starting it again");
}

std::optional<SteadyTime> SandboxServer::next_start(const SandboxHosts& hosts) const {
  if (!listener_ || pid_ > 0 || host(hosts) == nullptr) return std::nullopt;
  return start_at_;
}

Json SandboxServer::status() const {
  if (!listener_) return nullptr;
  return {{"state", pid_ > 0 ? "running" : "starting"}, {"restarts", restarts_}};
}

}  // namespace hoplab::cmd
