#include "runtime/reconcile/namespace_controller.h"

#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {

void NamespaceController::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  if (change.kind == "Namespace" && change.now != nullptr) {
    keys.push_back(api::name_of(*change.now));
    return;
  }
  if (change.kind == "ServiceAccount" && change.before == nullptr) {
    // Its token is made with it, unless the server died in between.
    keys.push_back(api::namespace_of(*change.now));
    return;
  }
  if (change.now != nullptr) return;
  // Something is gone: the last one of a namespace that waits for it, or one that comes back.
  const std::string space = api::namespace_of(*change.before);
  if (space.empty()) return;
  const bool account =
      change.kind == "ServiceAccount" || change.kind == "Secret" || change.kind == "ConfigMap";
  const SharedJson found = registry_.find(api::kind_of("Namespace"), "", space);
  if (found != nullptr && (account || is_deleting(*found))) keys.push_back(space);
}

Result<void> NamespaceController::empty(const std::string& space) {
  for (const api::Kind& kind : api::kinds()) {
    // Events come while other things go; they are removed in the last pass as well.
    if (!kind.namespaced) continue;
    for (const SharedJson& object : registry_.all(kind, space)) {
      if (is_deleting(*object)) continue;
      auto gone = registry_.remove(kind, space, api::name_of(*object));
      if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
    }
  }
  return {};
}

Result<void> NamespaceController::remove_stale_tokens(const std::string& space) {
  const api::Kind& secret_kind = api::kind_of("Secret");
  for (const SharedJson& secret : registry_.all(secret_kind, space)) {
    if (string_or(*secret, "type") != token_secret_type) continue;
    const Json& notes = member(member(*secret, "metadata"), "annotations");
    const SharedJson account =
        registry_.find(api::kind_of("ServiceAccount"), space,
                       string_or(notes, "kubernetes.io/service-account.name"));
    if (account != nullptr &&
        api::uid_of(*account) == string_or(notes, "kubernetes.io/service-account.uid")) {
      continue;
    }
    auto gone = registry_.remove(secret_kind, space, api::name_of(*secret));
    if (!gone && gone.error().code() != ErrorCode::not_found) return std::move(gone).error();
  }
  return {};
}

Result<std::optional<Millis>> NamespaceController::reconcile(const std::string& key) {
  const SharedJson space = registry_.find(api::kind_of("Namespace"), "", key);
  if (space == nullptr) return settled();
  if (!is_deleting(*space)) {
    HOP_CHECK(remove_stale_tokens(key));
    HOP_CHECK(registry_.ensure_service_accounts(key));
    return settled();
  }
  HOP_CHECK(empty(key));
  auto done = registry_.finalize_namespace(key);
  // `conflict` = pods are still in their grace; their ends wake this again.
  if (!done && done.error().code() != ErrorCode::conflict) return std::move(done).error();
  return settled();
}

}  // namespace hoplab::reconcile
