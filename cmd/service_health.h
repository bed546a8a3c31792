#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "runtime/base/log.h"
#include "runtime/plan/service_health.h"

namespace hoplab::cmd {

/// The listeners at healthCheckNodePorts, one small HTTP server each: 200 while the node has
/// endpoints of the Service and its rules are in the kernel, else 503, with kube-proxy's JSON and
/// headers (facts/services.md 1.7). set() from one thread at a time.
class ServiceHealthServers {
 public:
  /// `healthy`: whether the kernel holds the rules; called from the servers' threads.
  ServiceHealthServers(std::function<bool()> healthy, Log log);
  ServiceHealthServers(const ServiceHealthServers&) = delete;
  ServiceHealthServers& operator=(const ServiceHealthServers&) = delete;
  ~ServiceHealthServers();

  /// Listens at these ports and no others. One that is taken is logged once and tried again at the
  /// next call.
  void set(const std::map<uint16_t, plan::ServiceHealth>& wanted);

 private:
  class Server;

  std::function<bool()> healthy_;
  Log log_;
  std::map<uint16_t, std::unique_ptr<Server>> servers_;
  std::set<uint16_t> taken_;
};

}  // namespace hoplab::cmd
