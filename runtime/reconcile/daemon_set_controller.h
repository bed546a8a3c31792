#pragma once

#include "runtime/reconcile/controller.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// One pod of each DaemonSet on every fitting node. Keys: "namespace/name" of DaemonSets.
class DaemonSetController final : public Controller {
 public:
  DaemonSetController(Registry& registry, const Clock& clock, TellEvent tell)
      : registry_(registry), clock_(clock), tell_(std::move(tell)) {}
  [[nodiscard]] std::string_view name() const override { return "daemonset-controller"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  Registry& registry_;
  const Clock& clock_;
  TellEvent tell_;
};

}  // namespace hoplab::reconcile
