#include "store/service_account.h"

#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/random.h"

namespace hoplab {

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view part = bytes.substr(i, 3);
    uint32_t value = 0;
    for (size_t j = 0; j < 3; ++j) {
      value = value << 8U | (j < part.size() ? static_cast<uint8_t>(part[j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += j <= part.size() ? digits[value >> (18U - 6U * j) & 63U] : '=';
    }
  }
  return out;
}

Json new_service_account(const std::string& namespace_name, const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "ServiceAccount"},
          {"metadata", {{"name", name}, {"namespace", namespace_name}}}};
}

Json new_token_secret(const Json& account, const std::string& name,
                      const ServiceAccountTokens& tokens) {
  const std::string space = api::namespace_of(account);
  const std::string owner = api::name_of(account);
  const std::string uid = api::uid_of(account);
  const std::string token = tokens.issue ? tokens.issue(space, owner, uid) : random_suffix(64);
  Json secret = {{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"type", token_secret_type},
                 {"metadata",
                  {{"name", name},
                   {"namespace", space},
                   {"annotations",
                    {{"kubernetes.io/service-account.name", owner},
                     {"kubernetes.io/service-account.uid", uid}}}}},
                 {"data", {{"namespace", base64(space)}, {"token", base64(token)}}}};
  if (!tokens.ca_certificate.empty()) secret["data"]["ca.crt"] = base64(tokens.ca_certificate);
  return secret;
}

Json new_root_ca(const std::string& namespace_name, const std::string& ca_certificate) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "kube-root-ca.crt"}, {"namespace", namespace_name}}},
          {"data", {{"ca.crt", ca_certificate}}}};
}

}  // namespace hoplab
