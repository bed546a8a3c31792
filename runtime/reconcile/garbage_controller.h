#pragma once

#include <map>
#include <set>

#include "runtime/base/locked.h"
#include "runtime/reconcile/controller.h"
#include "runtime/reconcile/object_state.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// What an object with owners deserves. Pure.
struct GarbageVerdict {
  bool remove = false;              ///< No owner is left (or one goes in the foreground).
  bool foreground = false;          ///< Its own dependents go first, too.
  std::vector<std::string> forget;  ///< uids of owners that are gone while others remain.
};

enum class OwnerState { present, absent, going_foreground };
GarbageVerdict judge_dependent(const std::vector<Owner>& owners,
                               const std::function<OwnerState(const Owner&)>& state_of);

/// Deletes objects whose owners are gone (ownerReferences), and carries out the propagation
/// policies Foreground and Orphan. Keys are store keys.
class GarbageController final : public Controller {
 public:
  explicit GarbageController(Registry& registry) : registry_(registry) {}
  [[nodiscard]] std::string_view name() const override { return "garbage-collector"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  struct Place {
    const api::Kind* kind = nullptr;
    std::string namespace_name;
    std::string name;
  };
  [[nodiscard]] static std::optional<Place> place_of(const std::string& key);
  [[nodiscard]] OwnerState state_of(const Owner& owner, const std::string& space) const;
  [[nodiscard]] std::vector<std::string> dependents_of(const std::string& uid);
  Result<void> settle_dependent(const Place& place, const Json& object);
  Result<void> settle_owner(const Place& place, const Json& object);
  Result<void> drop_owners(const Place& place, const std::set<std::string>& uids);
  Result<void> drop_finalizer(const Place& place, std::string_view finalizer);

  Registry& registry_;
  /// Store keys of dependents by their owners' uids. Kept by the feed, read by the workers.
  Locked<std::map<std::string, std::set<std::string>>> dependents_;
};

}  // namespace hoplab::reconcile
