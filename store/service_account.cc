#include "store/service_account.h"

#include "runtime/base/base64.h"
#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/random.h"

namespace hoplab {

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
                 {"data", {{"namespace", base64_encode(space)}, {"token", base64_encode(token)}}}};
  if (!tokens.ca_certificate.empty())
    secret["data"]["ca.crt"] = base64_encode(tokens.ca_certificate);
  return secret;
}

Json new_root_ca(const std::string& namespace_name, const std::string& ca_certificate) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "kube-root-ca.crt"}, {"namespace", namespace_name}}},
          {"data", {{"ca.crt", ca_certificate}}}};
}

}  // namespace hoplab
