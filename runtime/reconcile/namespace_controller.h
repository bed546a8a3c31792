#pragma once

#include "runtime/reconcile/controller.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Gives every namespace its service account, and empties those that are being deleted until they
/// can go. Keys: namespace names.
class NamespaceController final : public Controller {
 public:
  explicit NamespaceController(Registry& registry) : registry_(registry) {}
  [[nodiscard]] std::string_view name() const override { return "namespace-controller"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  Result<void> empty(const std::string& space);
  /// Tokens of accounts that are gone open no door any more.
  Result<void> remove_stale_tokens(const std::string& space);

  Registry& registry_;
};

}  // namespace hoplab::reconcile
