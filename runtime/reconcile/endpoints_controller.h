#pragma once

#include <set>

#include "runtime/base/locked.h"
#include "runtime/reconcile/controller.h"
#include "runtime/reconcile/endpoints_plan.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Keeps Endpoints and EndpointSlices of every service: from its pods, or, for a service without
/// selector, slices from the Endpoints that a person wrote. Keys: "namespace/name" of services.
class EndpointsController final : public Controller {
 public:
  explicit EndpointsController(Registry& registry) : registry_(registry) {}
  [[nodiscard]] std::string_view name() const override { return "endpoint-controller"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  void wake_for_pod(const Json& pod, std::vector<std::string>& keys) const;
  [[nodiscard]] std::vector<SharedJson> slices_of(const std::string& space,
                                                  const std::string& service) const;
  Result<void> write_endpoints(const Json& service, const std::vector<BackendGroup>& groups);
  Result<void> write_slices(const std::string& space, const SlicePlan& plan);
  Result<void> clean_up(const std::string& space, const std::string& service);

  Registry& registry_;
  /// Services that were deleted, and those that Endpoints were found without at the start: a server
  /// that died between the two deletions. Other Endpoints without a service are their author's.
  Locked<std::set<std::string>> ended_;
};

}  // namespace hoplab::reconcile
