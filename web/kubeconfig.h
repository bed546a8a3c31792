#pragma once

#include <string>

#include "runtime/base/result.h"
#include "web/http_client.h"
#include "web/pki.h"

namespace hoplab::web {

/// How to reach an API server and as whom, as a kubeconfig says it.
struct ClientConfig {
  std::string server;       ///< "https://127.0.0.1:6443"
  std::string server_name;  ///< tls-server-name; usually empty.
  std::string ca_pem;
  KeyPair own;               ///< Client certificate; may be empty.
  std::string bearer_token;  ///< May be empty.
  std::string namespace_name = "default";
};

/// The text of a kubeconfig with everything embedded: one cluster, one user, one context, all
/// named `cluster`.
std::string kubeconfig_text(const std::string& cluster, const ClientConfig& config);

/// The context `context` ("" = current-context) of a kubeconfig. Certificates may be embedded
/// (…-data) or files, relative to the kubeconfig. `file` is for messages and for relative paths.
Result<ClientConfig> parse_kubeconfig(std::string_view text, const std::string& file,
                                      const std::string& context = "");
Result<ClientConfig> load_kubeconfig(const std::string& path, const std::string& context = "");
/// From a PKI directory (see pki.h): the CA and the key pair `name`, e.g. "nodes/k8s-w1".
Result<ClientConfig> load_client_files(const std::string& server, const std::string& pki_directory,
                                       const std::string& name);
/// What a pod finds in /var/run/secrets/kubernetes.io/serviceaccount, and KUBERNETES_SERVICE_HOST.
Result<ClientConfig> load_service_account(const std::string& server, const std::string& directory);

/// "https://host[:port]" split, TLS made ready.
Result<HttpTarget> target_of(const ClientConfig& config);

}  // namespace hoplab::web
