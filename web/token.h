#pragma once

#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "web/connection.h"

namespace hoplab::web {

/// Whom a service account token speaks for.
struct TokenClaims {
  std::string namespace_name;
  std::string service_account;
  std::string service_account_uid;
  std::string pod;      ///< The pod it was made for; may be empty.
  std::string pod_uid;  ///< With `pod` only.
  int64_t expires = 0;  ///< Seconds since 1970.

  /// system:serviceaccount:NAMESPACE:NAME, with the groups Kubernetes gives it.
  [[nodiscard]] Peer peer() const;
};

/// A JWT signed with ES256 by the PKI's sa.key, in the shape of Kubernetes' bound tokens.
Result<std::string> sign_token(const TokenClaims& claims, const std::string& private_key_pem,
                               WallTime now);

/// Checks signature (only ES256), issuer and times. Fails with `unauthorized`. For untrusted text.
Result<TokenClaims> verify_token(std::string_view token, const std::string& public_key_pem,
                                 WallTime now);

}  // namespace hoplab::web
