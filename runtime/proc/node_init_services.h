#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/proc/node_init_config.h"
#include "runtime/proc/node_init_loop.h"

namespace hoplab::proc {

/// Keeps the node's own processes (agent, tunnel) running: starts them, starts them again when
/// they end, after 100 ms at first and at most 5 s when they keep ending. Their output goes to
/// <state directory>/log/NAME.log; what is older than its last 4 MiB or so is in NAME.log.1, and
/// then gone.
class ServiceSupervisor {
 public:
  ServiceSupervisor(EventLoop& loop, Log log, const NodeConfig& config);

  void start_all();
  /// Takes note of an ended child; false when it is none of ours.
  bool child_exited(pid_t pid, int wait_status);
  /// No more restarts; kills what runs.
  void stop_all();

 private:
  struct Service {
    ServiceSpec spec;
    pid_t pid = 0;
    SteadyTime started_at;
    Millis back_off{0};
  };

  void start(Service& service);
  void start_later(Service& service);
  Result<pid_t> spawn(const ServiceSpec& spec) const;
  [[nodiscard]] std::string log_of(const ServiceSpec& spec) const;
  /// Now and again and again.
  void keep_logs_short();

  EventLoop& loop_;
  Log log_;
  std::string log_directory_;
  std::vector<Service> services_;
  bool stopping_ = false;
};

}  // namespace hoplab::proc
