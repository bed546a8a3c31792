#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "runtime/plan/calico_view.h"
#include "runtime/reconcile/calico_kernel.h"
#include "runtime/reconcile/event_recorder.h"
#include "runtime/reconcile/ipam_client.h"
#include "store/informer.h"
#include "store/source.h"

namespace hoplab::reconcile {

struct CalicoNodeConfig {
  std::string node;
  std::string tunnel = "tunl0";
  std::string conflist;  ///< Path of the CNI configuration; empty = none is written.
  Millis resync{90000};  ///< Felix's period for interfaces, routes and rules.
  Millis retry{1000};    ///< After a failure, doubled up to 10 s.
};

/// Calico's node agent in the place of Felix, confd and BIRD: keeps ip_forward, tunl0's address,
/// the routes to every block, the blackhole of its own blocks, outgoing NAT and the cali- chains as
/// the Node, IPPool and IPAMBlock objects say; puts back routes of pods that somebody took away;
/// forgets the connections of removed pods; writes the
/// CNI configuration that makes the node Ready. When it stops, everything stays as it is.
/// run() works in the network namespace of its thread. The Source and the clock outlive it.
class CalicoNode {
 public:
  CalicoNode(Source& source, const Clock& clock, CalicoNodeConfig config, Log log);
  ~CalicoNode();

  /// Until `stop_fd` is readable. Fails only when the kernel cannot be talked to at all.
  Result<void> run(int stop_fd);

 private:
  struct Wanted {
    NodeNetwork network;
    plan::FelixRulesInput rules;
    bool operator==(const Wanted&) const = default;
  };

  void start_informers();
  void on_block(const Informer::Object& before, const Informer::Object& now);
  void wake();
  [[nodiscard]] bool synced() const;
  /// Waits for a change, the time or stop; false = stop.
  Result<bool> wait(int stop_fd, std::optional<Millis> timeout);

  std::vector<plan::PoolView> pools() const;
  Result<Wanted> wanted();
  Result<void> reconcile();
  [[nodiscard]] std::vector<plan::LocalPod> local_pods() const;
  Result<void> repair_pod_routes();
  Result<void> sync_rules(const Wanted& now);
  Result<void> annotate(const CalicoKernel::Uplink& uplink, std::optional<Ipv4> tunnel_address);
  Result<void> write_conflist(uint32_t mtu);
  void tell(const std::vector<Operation>& done, bool unchanged);
  void tell_conflicts(const std::vector<std::string>& conflicts);

  Source& source_;
  const CalicoNodeConfig config_;
  const Log log_;
  IpamClient ipam_;
  EventRecorder events_;
  Informer nodes_;
  Informer pools_;
  Informer blocks_;
  Fd wake_;  ///< eventfd: an object changed.

  std::mutex mutex_;
  std::set<Ipv4> freed_;  ///< Connections to forget.

  // Only run()'s thread.
  std::optional<CalicoKernel> kernel_;
  std::optional<Wanted> applied_;
  std::optional<plan::FelixRulesInput> applied_rules_;
  SteadyTime rules_due_;
  std::optional<Ipv4> tunnel_address_;
  std::set<std::string> told_conflicts_;
  std::map<Prefix, SteadyTime> routeless_;  ///< Pods whose route was missing, since when.
};

}  // namespace hoplab::reconcile
