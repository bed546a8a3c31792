#pragma once

#include "runtime/reconcile/controller.h"
#include "runtime/reconcile/scheduler_plan.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Puts waiting pods on nodes. One key for all of them, so that a burst of pods is one look at the
/// cluster.
class SchedulerController final : public Controller {
 public:
  SchedulerController(Registry& registry, const Clock& clock, TellEvent tell)
      : registry_(registry), clock_(clock), tell_(std::move(tell)) {}
  [[nodiscard]] std::string_view name() const override { return "default-scheduler"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  Result<void> note_unschedulable(const Placement& placement);

  Registry& registry_;
  const Clock& clock_;
  TellEvent tell_;
};

}  // namespace hoplab::reconcile
