#pragma once

#include <functional>
#include <string>

#include "runtime/base/json.h"

/// Service accounts and their token secrets, as Kubernetes up to 1.23 makes them: every namespace
/// has an account `default`, every account a secret of type kubernetes.io/service-account-token.
/// Pure builders; the registry and the service account controller write them.
namespace hoplab {

struct ServiceAccountTokens {
  /// The bearer token for an account (namespace, name, uid of the account). Null = a random one,
  /// which is good for mounting but no credential.
  std::function<std::string(const std::string&, const std::string&, const std::string&)> issue;
  std::string ca_certificate;  ///< PEM, for ca.crt.
};

inline constexpr std::string_view token_secret_type = "kubernetes.io/service-account-token";

Json new_service_account(const std::string& namespace_name, const std::string& name);
/// The secret `name` that belongs to the stored account.
Json new_token_secret(const Json& account, const std::string& name,
                      const ServiceAccountTokens& tokens);
/// The ConfigMap kube-root-ca.crt that every namespace has.
Json new_root_ca(const std::string& namespace_name, const std::string& ca_certificate);

}  // namespace hoplab
