#pragma once

#include <map>
#include <set>
#include <string>

#include "runtime/base/locked.h"
#include "runtime/reconcile/controller.h"
#include "runtime/reconcile/node_lifecycle_plan.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Notices silent nodes by their Leases: taints them, takes their pods out of the endpoints, evicts
/// pods that do not tolerate it, and force-deletes pods of nodes that are gone. Keys: node names.
class NodeLifecycleController final : public Controller {
 public:
  NodeLifecycleController(Registry& registry, const Clock& clock, TellEvent tell, Millis grace)
      : registry_(registry), clock_(clock), tell_(std::move(tell)), grace_(grace) {}
  [[nodiscard]] std::string_view name() const override { return "node-controller"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  /// When a node was last heard of, by our own clock: the nodes' clocks do not matter.
  [[nodiscard]] Millis silence_of(const std::string& node);
  Result<void> write(const NodeVerdict& verdict);
  Result<void> mark_pods_not_ready(const std::string& node);
  Result<std::optional<Millis>> evict(const Json& node);
  /// A node may be registered a moment after its first pod, so its pods get the grace as well.
  Result<std::optional<Millis>> look_at_orphans(const std::string& node);
  Result<void> collect_orphans(const std::string& node);

  Registry& registry_;
  const Clock& clock_;
  TellEvent tell_;
  const Millis grace_;
  Locked<std::map<std::string, SteadyTime>> heard_;
  Locked<std::map<std::string, SteadyTime>> gone_since_;
  /// Nodes that said themselves that they are no longer ready. A new node, which is not ready yet,
  /// is none of them: its first pods are what makes it ready.
  Locked<std::set<std::string>> lost_;
};

}  // namespace hoplab::reconcile
