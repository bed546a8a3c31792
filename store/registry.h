#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/ip.h"
#include "store/object_store.h"
#include "store/service_account.h"
#include "store/service_index.h"
#include "store/source.h"

namespace hoplab {

struct RegistryOptions {
  ServiceRange services;
  ServiceAccountTokens tokens;
  /// A watch that had nothing to say for this long gets a bookmark, if the store moved on.
  Millis bookmark_interval = Millis(30000);
};

/// The cluster's objects in the server's own process: what Kubernetes' API server does between its
/// REST surface and etcd. Creates with names, defaults and validation; compare-and-set updates;
/// patches; graceful deletion; ClusterIPs and NodePorts; service accounts; watches with selectors.
/// Every change is one revision of the ObjectStore, which must outlive the registry.
/// Thread-safe. Errors are those of Kubernetes, word for word where facts/kubectl.md has them.
class Registry final : public Source {
 public:
  /// Rebuilds the service index and repairs service accounts that a crash left half-made.
  static Result<std::unique_ptr<Registry>> open(ObjectStore& store, const Clock& clock,
                                                RegistryOptions options);

  Result<Json> get(const api::Kind& kind, const std::string& namespace_name,
                   const std::string& name) override;
  Result<ObjectList> list(const api::Kind& kind, const Selection& selection) override;
  Result<std::unique_ptr<Watch>> watch(const api::Kind& kind, const Selection& selection,
                                       int64_t revision) override;
  Result<Json> create(const api::Kind& kind, const std::string& namespace_name, Json object,
                      const WriteOptions& options = {}) override;
  Result<Json> update(const api::Kind& kind, const std::string& namespace_name,
                      const std::string& name, Json object,
                      Subresource subresource = Subresource::none,
                      const WriteOptions& options = {}) override;
  Result<Json> patch(const api::Kind& kind, const std::string& namespace_name,
                     const std::string& name, PatchType type, const Json& patch,
                     Subresource subresource = Subresource::none,
                     const WriteOptions& options = {}) override;
  Result<Deletion> remove(const api::Kind& kind, const std::string& namespace_name,
                          const std::string& name, const DeleteOptions& options = {}) override;

  /// list() without copies; `revision` 0 = now, else as of that revision (`too_old`).
  Result<Snapshot> snapshot(const api::Kind& kind, const Selection& selection,
                            int64_t revision = 0);
  /// All objects of all kinds, and the changes after a revision of them: one feed for everything,
  /// for the controllers.
  [[nodiscard]] Snapshot everything() const { return store_.list(""); }
  [[nodiscard]] std::unique_ptr<Subscription> changes(int64_t after) const {
    return store_.subscribe("", after);
  }
  /// get() without a copy; null when there is none.
  [[nodiscard]] SharedJson find(const api::Kind& kind, const std::string& namespace_name,
                                const std::string& name) const;
  /// snapshot() of a whole kind or namespace.
  [[nodiscard]] std::vector<SharedJson> all(const api::Kind& kind,
                                            const std::string& namespace_name = {}) const;
  [[nodiscard]] int64_t revision() const { return store_.revision(); }

  /// POST pods/NAME/binding: puts a pod without a node on one. `conflict` when it has one.
  Result<void> bind(const std::string& namespace_name, const std::string& pod,
                    const std::string& node);
  /// Lets a namespace that is being deleted go; `conflict` while objects are left in it.
  Result<void> finalize_namespace(const std::string& name);
  /// Makes what a namespace must have: the account `default`, token secrets, kube-root-ca.crt.
  /// Does nothing where all is there.
  Result<void> ensure_service_accounts(const std::string& namespace_name);

 private:
  using Change = std::function<Result<Json>(const Json& current)>;

  Registry(ObjectStore& store, const Clock& clock, RegistryOptions options);
  Result<Json> create_named(const api::Kind& kind, Json object, const WriteOptions& options);
  Result<void> prepare_new(const api::Kind& kind, Json& object, const WriteOptions& options) const;
  Result<void> check_namespace_open(const api::Kind& kind, const Json& object) const;
  Result<void> admit_service_account(const api::Kind& kind, Json& object) const;
  Result<void> after_create(const api::Kind& kind, const Json& object);
  Result<void> ensure_token_secret(const Json& account);
  Result<Json> modify(const api::Kind& kind, const std::string& namespace_name,
                      const std::string& name, Subresource subresource, const WriteOptions& options,
                      const Change& change);
  Result<Json> prepare_update(const api::Kind& kind, const Json& current, Json wanted,
                              Subresource subresource, const WriteOptions& options) const;
  /// One revision; keeps the service index in step (the caller holds lock_for(kind)). `before` is
  /// the stored object that it replaces or removes, null on create.
  Result<SharedJson> commit(const api::Kind& kind, const Json* before, Json object, bool remove);
  /// Held over allocation and commit of a Service; no lock for other kinds.
  [[nodiscard]] std::unique_lock<std::mutex> lock_for(const api::Kind& kind);
  [[nodiscard]] bool namespace_is_empty(const std::string& name) const;

  ObjectStore& store_;
  const Clock& clock_;
  RegistryOptions options_;
  /// Shared by creates in namespaces; alone for a namespace that starts to go, so that afterwards
  /// no create can still be under way.
  std::shared_mutex namespaces_mutex_;
  std::mutex services_mutex_;
  ServiceIndex service_index_;
};

/// "pods/default/web", "nodes/k8s-w1"; without a name the prefix of all.
std::string store_key(const api::Kind& kind, const std::string& namespace_name,
                      const std::string& name);
/// "pods/" or "pods/default/".
std::string store_prefix(const api::Kind& kind, const std::string& namespace_name);

}  // namespace hoplab
