#include <shared_mutex>

#include "runtime/base/text.h"
#include "store/admission.h"
#include "store/api/schema.h"
#include "store/errors.h"
#include "store/object_shape.h"
#include "store/random.h"
#include "store/registry.h"

namespace hoplab {
namespace {

/// Admission speaks of an object before its name is made, and so the same trouble has the same text
/// each time: `pods "web-7c9f8d-" is forbidden: …`.
std::string name_at_admission(const Json& object) {
  const std::string name = api::name_of(object);
  const std::string base = string_or(object["metadata"], "generateName");
  const size_t kept = generated_name(base).size() - generated_name("").size();
  const bool generated =
      !base.empty() && name.size() > kept && name.starts_with(base.substr(0, kept));
  return generated ? base : name;
}

/// Another caller was quicker, or the namespace is on its way out and wants nothing new.
Result<void> unless_moot(Result<Json> made) {
  if (made.ok() || made.error().code() == ErrorCode::already_exists ||
      made.error().code() == ErrorCode::forbidden || made.error().code() == ErrorCode::not_found) {
    return {};
  }
  return std::move(made).error();
}

}  // namespace

Result<Json> Registry::create(const api::Kind& kind, const std::string& namespace_name, Json object,
                              const WriteOptions& options) {
  HOP_CHECK(check_shape(kind, namespace_name, object));
  const std::string base = string_or(object["metadata"], "generateName");
  if (!api::name_of(object).empty() || base.empty()) {
    return create_named(kind, std::move(object), options);
  }
  constexpr int attempts = 8;
  for (int attempt = 1;; ++attempt) {
    object["metadata"]["name"] = generated_name(base);
    auto created = create_named(kind, object, options);
    const bool taken = !created && created.error().code() == ErrorCode::already_exists;
    if (!taken || attempt == attempts) return created;
  }
}

Result<void> Registry::prepare_new(const api::Kind& kind, Json& object,
                                   const WriteOptions& options) const {
  remove_client_state(kind, object);
  api::prune_noise(object);
  drop_unknown(kind, object, options);
  api::apply_defaults(kind, object);
  auto causes = api::validate(kind, object, nullptr, {.unknown_fields_are_errors = options.strict});
  if (!causes.empty()) return api::invalid_object(kind, api::name_of(object), std::move(causes));
  admit_new(kind, object);
  HOP_CHECK(admit_service_account(kind, object));
  Json& metadata = object["metadata"];
  metadata["uid"] = random_uid();
  metadata["creationTimestamp"] = to_rfc3339(clock_.wall());
  if (has_generation(kind)) metadata["generation"] = 1;
  return {};
}

Result<Json> Registry::create_named(const api::Kind& kind, Json object,
                                    const WriteOptions& options) {
  const std::string name = api::name_of(object);
  SharedJson created;
  {
    std::shared_lock<std::shared_mutex> spaces(namespaces_mutex_, std::defer_lock);
    if (kind.namespaced) {
      spaces.lock();
      HOP_CHECK(check_namespace_open(kind, object));
    }
    // A name that is taken is said first: the allocations below would otherwise complain.
    if (!name.empty() && store_.get(store_key(kind, api::namespace_of(object), name)) != nullptr) {
      return object_exists(kind, name);
    }
    HOP_CHECK(prepare_new(kind, object, options));
    const auto held = lock_for(kind);
    if (kind.kind == "Service") HOP_CHECK(service_index_.assign(object, nullptr));
    if (options.dry_run) return object;
    HOP_TRY(created, commit(kind, nullptr, std::move(object), false));
  }
  // The object is written: what belongs to it and could not be made now is no failure of this
  // call. The namespace controller makes it as soon as it can be made.
  (void)after_create(kind, *created);
  return *created;
}

Result<void> Registry::check_namespace_open(const api::Kind& kind, const Json& object) const {
  const std::string space = api::namespace_of(object);
  const api::Kind& namespace_kind = api::kind_of("Namespace");
  const SharedJson found = store_.get(store_key(namespace_kind, "", space));
  if (found == nullptr) return object_not_found(namespace_kind, space);
  if (string_or(member(*found, "metadata"), "deletionTimestamp").empty()) return {};
  return object_forbidden(
      kind, name_at_admission(object),
      str("unable to create new content in namespace ", space, " because it is being terminated"));
}

Result<void> Registry::admit_service_account(const api::Kind& kind, Json& object) const {
  const std::string space = api::namespace_of(object);
  if (kind.kind == "ServiceAccount") {
    // The secret's name is settled here, so that the account is whole from its first revision on.
    object["secrets"] =
        Json::array({{{"name", str(api::name_of(object), "-token-", random_suffix())}}});
    return {};
  }
  if (kind.kind != "Pod") return {};
  const std::string name = string_or(member(object, "spec"), "serviceAccountName");
  const SharedJson account = store_.get(store_key(api::kind_of("ServiceAccount"), space, name));
  if (account == nullptr) {
    return object_forbidden(kind, name_at_admission(object),
                            str("error looking up service account ", space, "/", name,
                                ": serviceaccount \"", name, "\" not found"));
  }
  mount_service_account(object, *account);
  return {};
}

Result<void> Registry::after_create(const api::Kind& kind, const Json& object) {
  if (kind.kind == "Namespace") return ensure_service_accounts(api::name_of(object));
  if (kind.kind == "ServiceAccount") return ensure_token_secret(object);
  return {};
}

Result<void> Registry::ensure_token_secret(const Json& account) {
  const std::string space = api::namespace_of(account);
  const Json& secrets = member(account, "secrets");
  if (!secrets.is_array() || secrets.empty()) return {};
  const std::string name = string_or(secrets[0], "name");
  const api::Kind& kind = api::kind_of("Secret");
  if (store_.get(store_key(kind, space, name)) != nullptr) return {};
  return unless_moot(create(kind, space, new_token_secret(account, name, options_.tokens)));
}

Result<void> Registry::ensure_service_accounts(const std::string& namespace_name) {
  const api::Kind& account_kind = api::kind_of("ServiceAccount");
  if (store_.get(store_key(account_kind, namespace_name, "default")) == nullptr) {
    HOP_CHECK(unless_moot(
        create(account_kind, namespace_name, new_service_account(namespace_name, "default"))));
  }
  const api::Kind& map_kind = api::kind_of("ConfigMap");
  if (!options_.tokens.ca_certificate.empty() &&
      store_.get(store_key(map_kind, namespace_name, "kube-root-ca.crt")) == nullptr) {
    HOP_CHECK(unless_moot(create(map_kind, namespace_name,
                                 new_root_ca(namespace_name, options_.tokens.ca_certificate))));
  }
  const Snapshot accounts = store_.list(store_prefix(account_kind, namespace_name));
  for (const SharedJson& account : accounts.objects) HOP_CHECK(ensure_token_secret(*account));
  return {};
}

}  // namespace hoplab
