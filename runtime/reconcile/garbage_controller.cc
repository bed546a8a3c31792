#include "runtime/reconcile/garbage_controller.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::reconcile {
namespace {

bool has_finalizer(const Json& object, std::string_view name) {
  const Json& list = at_path(object, "metadata.finalizers");
  return list.is_array() && std::find(list.begin(), list.end(), Json(name)) != list.end();
}

bool waits_for_dependents(const Json& object) {
  return is_deleting(object) &&
         (has_finalizer(object, "foregroundDeletion") || has_finalizer(object, "orphan"));
}

std::string key_in_store(const Json& object) {
  const api::Kind* kind =
      api::find_kind(string_or(object, "apiVersion"), string_or(object, "kind"));
  if (kind == nullptr) return {};
  return store_key(*kind, api::namespace_of(object), api::name_of(object));
}

}  // namespace

GarbageVerdict judge_dependent(const std::vector<Owner>& owners,
                               const std::function<OwnerState(const Owner&)>& state_of) {
  GarbageVerdict verdict;
  bool solid = false;
  bool waited_for = false;
  for (const Owner& owner : owners) {
    switch (state_of(owner)) {
      case OwnerState::present:
        solid = true;
        break;
      case OwnerState::absent:
        verdict.forget.push_back(owner.uid);
        break;
      case OwnerState::going_foreground:
        waited_for = waited_for || owner.blocks;
        verdict.forget.push_back(owner.uid);
        break;
    }
  }
  if (owners.empty() || solid) return verdict;
  verdict.remove = true;
  verdict.foreground = waited_for;
  verdict.forget.clear();
  return verdict;
}

void GarbageController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  const Json* before = change.before;
  const Json* now = change.now;
  const bool had = before != nullptr && !owners_of(*before).empty();
  const bool has = now != nullptr && !owners_of(*now).empty();
  if (had || has) {
    const std::string key = key_in_store(change.any());
    auto index = dependents_.lock();
    if (had) {
      for (const Owner& owner : owners_of(*before)) {
        const auto it = index->find(owner.uid);
        if (it == index->end()) continue;
        it->second.erase(key);
        if (it->second.empty()) index->erase(it);
        // An owner may wait for this one to go.
        if (now == nullptr && owner.blocks) {
          const api::Kind* kind = api::find_kind(owner.api_version, owner.kind);
          if (kind != nullptr) {
            keys.push_back(store_key(*kind, api::namespace_of(*before), owner.name));
          }
        }
      }
    }
    if (has) {
      for (const Owner& owner : owners_of(*now)) (*index)[owner.uid].insert(key);
    }
    const bool owners_changed = has && (!had || owners_of(*before) != owners_of(*now));
    if (owners_changed) keys.push_back(key);
  }
  if (now == nullptr) {
    for (std::string& key : dependents_of(api::uid_of(*before))) keys.push_back(std::move(key));
  } else if (waits_for_dependents(*now)) {
    keys.push_back(key_in_store(*now));
  }
}

std::vector<std::string> GarbageController::dependents_of(const std::string& uid) {
  auto index = dependents_.lock();
  const auto it = index->find(uid);
  if (it == index->end()) return {};
  return {it->second.begin(), it->second.end()};
}

std::optional<GarbageController::Place> GarbageController::place_of(const std::string& key) {
  const auto parts = split(key, '/');
  if (parts.size() < 2) return std::nullopt;
  for (const api::Kind& kind : api::kinds()) {
    if (kind.qualified_resource() != parts[0]) continue;
    const bool namespaced = parts.size() == 3;
    return Place{.kind = &kind,
                 .namespace_name = namespaced ? std::string(parts[1]) : "",
                 .name = std::string(parts.back())};
  }
  return std::nullopt;
}

OwnerState GarbageController::state_of(const Owner& owner, const std::string& space) const {
  const api::Kind* kind = api::find_kind(owner.api_version, owner.kind);
  // Not ours to judge: an owner of a kind that is not served here is left in peace.
  if (kind == nullptr) return OwnerState::present;
  const SharedJson object = registry_.find(*kind, space, owner.name);
  if (object == nullptr || api::uid_of(*object) != owner.uid) return OwnerState::absent;
  if (is_deleting(*object) && has_finalizer(*object, "foregroundDeletion")) {
    return OwnerState::going_foreground;
  }
  return OwnerState::present;
}

Result<std::optional<Millis>> GarbageController::reconcile(const std::string& key) {
  const auto place = place_of(key);
  if (!place) return settled();
  const SharedJson object = registry_.find(*place->kind, place->namespace_name, place->name);
  if (object == nullptr) return settled();
  if (waits_for_dependents(*object)) HOP_CHECK(settle_owner(*place, *object));
  HOP_CHECK(settle_dependent(*place, *object));
  return settled();
}

Result<void> GarbageController::settle_dependent(const Place& place, const Json& object) {
  const GarbageVerdict verdict = judge_dependent(
      owners_of(object), [&](const Owner& owner) { return state_of(owner, place.namespace_name); });
  if (verdict.remove) {
    if (is_deleting(object)) return {};
    DeleteOptions options{.grace_seconds = {}, .precondition_uid = api::uid_of(object)};
    if (verdict.foreground) options.propagation = Propagation::foreground;
    auto gone = registry_.remove(*place.kind, place.namespace_name, place.name, options);
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
    return {};
  }
  if (verdict.forget.empty()) return {};
  return drop_owners(place, {verdict.forget.begin(), verdict.forget.end()});
}

Result<void> GarbageController::settle_owner(const Place& place, const Json& object) {
  const std::string uid = api::uid_of(object);
  const bool orphan = has_finalizer(object, "orphan");
  bool blocked = false;
  for (const std::string& key : dependents_of(uid)) {
    const auto dependent = place_of(key);
    if (!dependent) continue;
    if (orphan) {
      HOP_CHECK(drop_owners(*dependent, {uid}));
      continue;
    }
    const SharedJson found =
        registry_.find(*dependent->kind, dependent->namespace_name, dependent->name);
    if (found == nullptr) continue;
    for (const Owner& owner : owners_of(*found)) blocked |= owner.uid == uid && owner.blocks;
    HOP_CHECK(settle_dependent(*dependent, *found));
  }
  // The dependents' own ends wake this again.
  if (blocked) return {};
  return drop_finalizer(place, orphan ? "orphan" : "foregroundDeletion");
}

Result<void> GarbageController::drop_owners(const Place& place, const std::set<std::string>& uids) {
  const SharedJson found = registry_.find(*place.kind, place.namespace_name, place.name);
  // Somebody else may have taken the object or its references away meanwhile.
  if (found == nullptr || owners_of(*found).empty()) return {};
  Json object = *found;
  auto& list = object["metadata"]["ownerReferences"].get_ref<Json::array_t&>();
  std::erase_if(list, [&](const Json& row) { return uids.contains(string_or(row, "uid")); });
  if (list.empty()) object["metadata"].erase("ownerReferences");
  HOP_CHECK(registry_.update(*place.kind, place.namespace_name, place.name, std::move(object)));
  return {};
}

Result<void> GarbageController::drop_finalizer(const Place& place, std::string_view finalizer) {
  const SharedJson found = registry_.find(*place.kind, place.namespace_name, place.name);
  if (found == nullptr || !has_finalizer(*found, finalizer)) return {};
  Json object = *found;
  auto& list = object["metadata"]["finalizers"].get_ref<Json::array_t&>();
  std::erase_if(list, [&](const Json& name) { return name == finalizer; });
  if (list.empty()) object["metadata"].erase("finalizers");
  HOP_CHECK(registry_.update(*place.kind, place.namespace_name, place.name, std::move(object)));
  return {};
}

}  // namespace hoplab::reconcile
