#include "web/token.h"

#include <openssl/ec.h>
#include <openssl/err.h>

#include "runtime/base/base64.h"
#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "web/openssl.h"

namespace hoplab::web {

namespace {

constexpr char issuer[] = "https://kubernetes.default.svc.cluster.local";
constexpr size_t max_token = 8192;
constexpr size_t half_signature = 32;  ///< ES256: r and s of 32 bytes each (RFC 7518, 3.4).

using SignaturePtr = std::unique_ptr<ECDSA_SIG, OpensslDeleter<ECDSA_SIG_free>>;

Error refused(const std::string& why) {
  ERR_clear_error();
  return {ErrorCode::unauthorized, "the token is refused: " + why};
}

int64_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// OpenSSL's DER form of a signature -> r || s.
Result<std::string> raw_signature(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  SignaturePtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string raw(2 * half_signature, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, half_signature) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + half_signature, half_signature) < 0) {
    return openssl_error("signing a token");
  }
  return raw;
}

/// r || s -> DER; empty when it cannot be.
std::string der_signature(std::string_view raw) {
  if (raw.size() != 2 * half_signature) return {};
  const auto* in = reinterpret_cast<const unsigned char*>(raw.data());
  SignaturePtr signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(in, half_signature, nullptr);
  BIGNUM* s = BN_bin2bn(in + half_signature, half_signature, nullptr);
  if (!signature || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(signature.get(), &der);
  std::string out(reinterpret_cast<char*>(der), size > 0 ? static_cast<size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

bool signature_holds(std::string_view text, std::string_view raw, EVP_PKEY* key) {
  std::string der = der_signature(raw);
  DigestContextPtr context(EVP_MD_CTX_new());
  return !der.empty() &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(der.data()),
                          der.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

Result<TokenClaims> read_claims(const Json& payload, WallTime now) {
  if (string_or(payload, "iss") != issuer) return refused("another issuer");
  TokenClaims claims;
  claims.expires = int_or(payload, "exp");
  if (claims.expires <= seconds(now)) return refused("it has expired");
  const Json& kubernetes = member(payload, "kubernetes.io");
  claims.namespace_name = string_or(kubernetes, "namespace");
  claims.service_account = string_or(member(kubernetes, "serviceaccount"), "name");
  claims.service_account_uid = string_or(member(kubernetes, "serviceaccount"), "uid");
  claims.pod = string_or(member(kubernetes, "pod"), "name");
  claims.pod_uid = string_or(member(kubernetes, "pod"), "uid");
  if (claims.namespace_name.empty() || claims.service_account.empty()) {
    return refused("it names no service account");
  }
  return claims;
}

}  // namespace

Peer TokenClaims::peer() const {
  Peer peer;
  peer.user = "system:serviceaccount:" + namespace_name + ":" + service_account;
  peer.groups = {"system:serviceaccounts", "system:serviceaccounts:" + namespace_name,
                 "system:authenticated"};
  return peer;
}

Result<std::string> sign_token(const TokenClaims& claims, const std::string& private_key_pem,
                               WallTime now) {
  HOP_TRY(KeyPtr key, read_private_key(private_key_pem));
  Json bound = {
      {"namespace", claims.namespace_name},
      {"serviceaccount", {{"name", claims.service_account}, {"uid", claims.service_account_uid}}}};
  if (!claims.pod.empty()) bound["pod"] = {{"name", claims.pod}, {"uid", claims.pod_uid}};
  Json payload = {{"iss", issuer},         {"sub", claims.peer().user}, {"aud", {issuer}},
                  {"iat", seconds(now)},   {"nbf", seconds(now)},       {"exp", claims.expires},
                  {"kubernetes.io", bound}};
  std::string text = base64url_encode(R"({"alg":"ES256","typ":"JWT"})") + "." +
                     base64url_encode(dump_json(payload));
  DigestContextPtr context(EVP_MD_CTX_new());
  size_t size = 256;
  std::string der(size, '\0');
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1) {
    return openssl_error("signing a token");
  }
  HOP_TRY(std::string raw, raw_signature(std::string_view(der).substr(0, size)));
  return text + "." + base64url_encode(raw);
}

Result<TokenClaims> verify_token(std::string_view token, const std::string& public_key_pem,
                                 WallTime now) {
  HOP_TRY(KeyPtr key, read_public_key(public_key_pem));
  auto parts = split(token, '.');
  if (token.size() > max_token || parts.size() != 3) return refused("it is no JWT");
  auto head = base64url_decode(parts[0]);
  auto payload = base64url_decode(parts[1]);
  auto signature = base64url_decode(parts[2]);
  if (!head || !payload || !signature) return refused("it is no JWT");
  auto head_json = parse_json(*head);
  if (!head_json || string_or(*head_json, "alg") != "ES256") return refused("not ES256");
  std::string_view signed_text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!signature_holds(signed_text, *signature, key.get())) {
    return refused("its signature does not hold");
  }
  auto claims = parse_json(*payload);
  if (!claims) return refused("its claims are no JSON");
  return read_claims(*claims, now);
}

}  // namespace hoplab::web
