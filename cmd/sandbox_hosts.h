#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cmd/sandbox_spec.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/model/operation.h"
#include "runtime/plan/underlay.h"
#include "runtime/proc/host_namespaces.h"

namespace hoplab::cmd {

/// Of the computer: what the underlay can and must set.
plan::UnderlayFacts underlay_facts();

/// The lab hosts of a sandbox and the network between them, as sandbox-init keeps them. One thread.
class SandboxHosts {
 public:
  /// `show` is called with each operation before it is done.
  using Show = std::function<void(const Operation&)>;
  SandboxHosts(const SandboxSpec& spec, Log log, Show show);

  /// Starts every host and wires them; returns when every node-init answers. `wired` is called when
  /// the networks are there and nothing runs yet; `master_runs` when the control plane's host does
  /// and the others do not yet. After a failure the sandbox is of no use: the caller ends.
  Result<void> build(const std::function<Result<void>()>& wired,
                     const std::function<void()>& master_runs);

  /// To be told of every child's end; false when it was none of the hosts' pid 1.
  bool ended(pid_t pid, SteadyTime now);
  /// Starts hosts again whose pause after their end is over.
  void restart_due(SteadyTime now);
  /// When restart_due() has something to do; nullopt = never as it stands.
  [[nodiscard]] std::optional<SteadyTime> next_restart() const;

  /// The network namespace of a host, also before its pid 1 runs; -1 when there is no such host.
  [[nodiscard]] int netns(const std::string& name) const;
  /// Null when there is no such host or it is switched off just now.
  [[nodiscard]] const proc::Host* find(const std::string& name) const;
  [[nodiscard]] Json status() const;

 private:
  struct Entry {
    proc::Host host;
    bool running = false;
    int restarts = 0;
    SteadyTime started_at;
    SteadyTime restart_at;
  };

  [[nodiscard]] proc::HostSpec host_spec(const plan::HostConfig& host) const;
  Result<void> begin(const plan::HostConfig& host);
  Result<void> start_init(const plan::HostConfig& host);
  Result<void> wait_for_init(const plan::HostConfig& host);
  Result<void> start_again(const plan::HostConfig& host);
  Result<void> apply(const std::vector<Operation>& operations, bool removal = false);

  const SandboxSpec& spec_;
  Log log_;
  Show show_;
  plan::UnderlayFacts facts_;
  std::map<std::string, Entry> entries_;
};

}  // namespace hoplab::cmd
