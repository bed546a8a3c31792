#pragma once

#include <optional>
#include <string>

#include "cmd/sandbox_hosts.h"
#include "cmd/sandbox_spec.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

namespace hoplab::cmd {

/// The API server of a sandbox: `hoplab server --listen-fd 3 --listen-fd 4` in the control plane's
/// namespaces. Both listeners (the computer's loopback, the node's address) are kept here: clients
/// that connect before the server runs, or while it starts again, wait in their queues. One thread.
class SandboxServer {
 public:
  /// Without a listener there is none and nothing happens.
  SandboxServer(const SandboxSpec& spec, Log log, Fd listener);

  /// Opens the listener on the control plane's address once the host's network is there.
  Result<void> listen_inside(const SandboxHosts& hosts);
  void start_if_due(const SandboxHosts& hosts, SteadyTime now);
  /// To be told of every child's end.
  void ended(pid_t pid, int wait_status, SteadyTime now);
  /// Nullopt while it runs, and while its host is off (whose start wakes us too).
  [[nodiscard]] std::optional<SteadyTime> next_start(const SandboxHosts& hosts) const;
  /// null, or {"state": "running"|"starting", "restarts": n}.
  [[nodiscard]] Json status() const;

 private:
  [[nodiscard]] const proc::Host* host(const SandboxHosts& hosts) const;

  const SandboxSpec& spec_;
  Log log_;
  Fd listener_;           ///< On the computer's loopback.
  Fd inside_;             ///< On the control plane's address,
  pid_t inside_of_ = -1;  ///< in the life of the host with this pid 1.
  pid_t pid_ = -1;
  int restarts_ = 0;
  int failures_ = 0;
  SteadyTime started_at_;
  SteadyTime start_at_;
};

}  // namespace hoplab::cmd
