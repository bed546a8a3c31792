#pragma once

#include <map>
#include <set>
#include <string>

#include "runtime/base/locked.h"
#include "runtime/plan/ipam_objects.h"
#include "runtime/reconcile/controller.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// The handles in a block whose pod does not exist any more. Pure.
std::set<std::string> stale_handles(
    const plan::AddressBlock& block,
    const std::function<bool(const std::string& space, const std::string& pod)>& pod_exists);

/// Takes back what nobody will give back: blocks and tunnel addresses of removed nodes, addresses
/// of pods that are gone, handles of an agent that died before it took the address. A node's agent
/// frees its pods' addresses itself, so all get a grace.
/// Keys: "addresses", "node/NAME", "handle/ID".
class AddressCollector final : public Controller {
 public:
  AddressCollector(Registry& registry, const Clock& clock, Millis grace)
      : registry_(registry), clock_(clock), grace_(grace) {}
  [[nodiscard]] std::string_view name() const override { return "address-collector"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  Result<std::optional<Millis>> collect_node(const std::string& node);
  Result<std::optional<Millis>> collect_addresses();
  Result<void> collect_unused_handles(const std::set<std::string>& used,
                                      std::set<std::string>& suspects, std::optional<Millis>& next);
  Result<std::optional<Millis>> collect_handle(const std::string& key);
  [[nodiscard]] bool leads_somewhere(const Json& handle) const;
  Result<void> remove_handle(const Json& handle);
  Result<void> free(const Json& block, const std::set<std::string>& handles);
  /// How much of the grace is left since the key was first asked for.
  Millis left_of_grace(const std::string& key);

  Registry& registry_;
  const Clock& clock_;
  const Millis grace_;
  Locked<std::map<std::string, SteadyTime>> suspected_;  ///< Nodes and handles, since when.
};

}  // namespace hoplab::reconcile
