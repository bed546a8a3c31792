#pragma once

#include "runtime/reconcile/controller.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Keeps as many pods as each ReplicaSet asks for. Keys: "namespace/name" of ReplicaSets.
class ReplicaSetController final : public Controller {
 public:
  ReplicaSetController(Registry& registry, const Clock& clock, TellEvent tell)
      : registry_(registry), clock_(clock), tell_(std::move(tell)) {}
  [[nodiscard]] std::string_view name() const override { return "replicaset-controller"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  void wake_for_pod(const Json& pod, std::vector<std::string>& keys) const;
  Result<void> set_owner(const Json& set, const std::string& pod, bool own);
  Result<void> create_pods(const Json& set, int64_t count);
  Result<void> note_failure(const Json& set, const Result<void>& created);

  Registry& registry_;
  const Clock& clock_;
  TellEvent tell_;
};

}  // namespace hoplab::reconcile
