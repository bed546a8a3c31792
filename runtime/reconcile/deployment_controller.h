#pragma once

#include "runtime/reconcile/controller.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Rolls Deployments out through ReplicaSets. Keys: "namespace/name" of Deployments.
class DeploymentController final : public Controller {
 public:
  DeploymentController(Registry& registry, const Clock& clock, TellEvent tell)
      : registry_(registry), clock_(clock), tell_(std::move(tell)) {}
  [[nodiscard]] std::string_view name() const override { return "deployment-controller"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  void wake_selecting(const Json& set, std::vector<std::string>& keys) const;
  /// Adopts ReplicaSets that match and belong to nobody (as after `delete --cascade=orphan`), lets
  /// go those that match no more.
  Result<void> claim_sets(const Json& deployment);
  Error avoid_name(const Json& deployment, Error error);
  [[nodiscard]] std::vector<SharedJson> sets_of(const Json& deployment) const;
  [[nodiscard]] bool has_pods(const Json& deployment, const std::vector<SharedJson>& sets) const;
  Result<void> scale(const Json& deployment, const std::string& set, int64_t from, int64_t to);
  Result<void> annotate(const Json& deployment, const std::string& set, const Json& wanted,
                        const std::string& revision);

  Registry& registry_;
  const Clock& clock_;
  TellEvent tell_;
};

}  // namespace hoplab::reconcile
