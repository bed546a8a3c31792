#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "runtime/base/locked.h"
#include "runtime/base/log.h"
#include "runtime/base/mailbox.h"
#include "runtime/plan/service_health.h"
#include "runtime/plan/services.h"
#include "runtime/reconcile/event_recorder.h"
#include "runtime/reconcile/proxy_kernel.h"
#include "store/informer.h"
#include "store/source.h"

namespace hoplab::reconcile {

struct ProxyOptions {
  plan::ProxyConfig config;
  /// How often the kernel is compared with what it should hold.
  Millis resync{30000};
  /// After a failure the whole ruleset is tried again this much later.
  Millis retry{1000};
  /// Told after each round what is to be said at which healthCheckNodePort; run()'s thread.
  std::function<void(const std::map<uint16_t, plan::ServiceHealth>&)> service_health;
};

/// kube-proxy: watches Services and EndpointSlices and keeps the node's service NAT. A change
/// touches only the chains that differ; every `resync` the whole ruleset is compared with the
/// kernel, what somebody changed by hand is put back, and an Event says so. Nothing is written
/// before both lists are in. The rules stay when it ends: traffic does not depend on it.
class Proxy {
 public:
  /// All three must outlive it. `source` is used from several threads.
  Proxy(Source& source, ProxyKernel& kernel, ProxyOptions options, Log log);

  /// Works until stop(); on the calling thread, which is the only one to touch `kernel`.
  void run();
  /// From any thread, also before run().
  void stop();
  /// Whether the kernel holds the rules of a complete list (healthz).
  [[nodiscard]] bool healthy() const { return healthy_; }
  /// How often the kernel has been brought up to date; for tests.
  [[nodiscard]] size_t rounds() const { return rounds_; }

 private:
  using Slices = std::map<std::string, Informer::Object>;  ///< By their own key.

  void watch_changes();
  bool wait_for_lists();
  void learn_node();
  void take_up(const std::string& service);
  void bring_up_to_date();
  void resync();
  void finish_round(const Result<nft::ApplyReport>& report);
  void hold_node_ports();
  void tell_restored(const nft::ApplyReport& report);

  ProxyKernel& kernel_;
  const ProxyOptions options_;
  const Log log_;
  Source& source_;
  EventRecorder events_;
  ObjectReference node_;

  std::atomic<bool> stopping_ = false;
  std::atomic<bool> healthy_ = false;
  std::atomic<size_t> rounds_ = 0;
  Mailbox<std::string> box_;                      ///< "namespace/name" of services to look at.
  Locked<std::map<std::string, Slices>> slices_;  ///< By service.

  plan::ServiceRules rules_;
  std::vector<ConntrackFilter> stale_;
  std::map<std::string, std::vector<std::string>> complaints_;  ///< Said once, by service.
  std::set<std::string> port_problems_;
  bool synced_once_ = false;
  SteadyTime next_sync_{};

  // Last members: their threads use the ones above.
  Informer services_;
  Informer endpoint_slices_;
};

}  // namespace hoplab::reconcile
