#pragma once

#include <optional>
#include <string>

#include "cmd/sandbox_hosts.h"
#include "cmd/sandbox_spec.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"

namespace hoplab::cmd {

/// The API server of a sandbox: `hoplab server --listen-fd 3` in the control plane's namespaces.
/// Started again when it ends, with the same loopback listener: clients that connect meanwhile
/// wait in its queue. One thread.
class SandboxServer {
 public:
  /// Without a listener (or spec.server) there is none and nothing happens.
  SandboxServer(const SandboxSpec& spec, Log log, Fd listener);

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
  Fd listener_;
  pid_t pid_ = -1;
  int restarts_ = 0;
  int failures_ = 0;
  SteadyTime started_at_;
  SteadyTime start_at_;
};

}  // namespace hoplab::cmd
