#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/base/clock.h"
#include "store/object_store.h"
#include "store/source.h"
#include "web/api_path.h"
#include "web/http_client.h"
#include "web/http_server.h"
#include "web/token.h"

namespace hoplab::web {

/// What `kubectl version` shows as the server.
struct ServerVersion {
  std::string git_version = "v1.22.6";
};

/// What the API server stands on. `source` does the objects; the functions are what a Source has
/// no word for. Without `bind` or `finalize_namespace` their paths answer MethodNotAllowed.
struct ApiBackend {
  Source* source = nullptr;
  /// Source::list() without a copy of every object.
  std::function<Result<Snapshot>(const api::Kind&, const Selection&)> snapshot;
  const Clock* clock = nullptr;
  /// POST pods/NAME/binding: (namespace, pod, node).
  std::function<Result<void>(const std::string&, const std::string&, const std::string&)> bind;
  /// PUT namespaces/NAME/finalize.
  std::function<Result<void>(const std::string&)> finalize_namespace;
};

struct ApiServerOptions {
  ServerVersion version;
  std::string token_public_key_pem;   ///< sa.pub; empty = no bearer tokens.
  std::string token_private_key_pem;  ///< sa.key; empty = serviceaccounts/NAME/token is refused.
  std::optional<TlsContext> kubelet_tls;  ///< Our client certificate towards agents.
  uint16_t kubelet_port = 10250;
};

/// A Kubernetes-shaped API (facts: kubectl.md) over a Source, as the handler of an HttpServer.
/// Authentication: a client certificate of our CA, or the token of a service account that exists;
/// anyone so known may do anything. Without, only /version and the health paths answer.
/// A watch from a revision that the store has not reached, as after a store was replaced, gets 410
/// Expired: upon that kubectl and every client-go informer list anew, from the present. (A server
/// on etcd lets such a watch wait without a word.)
/// Thread-safe.
class ApiServer final : public HttpHandler {
 public:
  ApiServer(ApiBackend backend, ApiServerOptions options, Log log);

  std::optional<HttpResponse> admit(HttpRequest& request) override;
  HttpResponse handle(const HttpRequest& request) override;
  std::optional<HttpResponse> upgrade(const HttpRequest& request, Connection& connection) override;
  HttpResponse refuse(const Error& error, int status) override;
  /// /readyz answers 500 before this.
  void set_ready() { ready_ = true; }

 private:
  using Answer = Result<HttpResponse>;

  Result<Peer> peer_of_token(std::string_view token) const;
  std::optional<HttpResponse> plain_path(const HttpRequest& request) const;
  Answer resource(const HttpRequest& request, const ResourcePath& path);
  Answer collection(const HttpRequest& request, const ResourcePath& path);
  Answer object(const HttpRequest& request, const ResourcePath& path);
  Answer subresource(const HttpRequest& request, const ResourcePath& path);

  Answer list(const HttpRequest& request, const ResourcePath& path);
  Answer watch(const HttpRequest& request, const ResourcePath& path);
  Answer create(const HttpRequest& request, const ResourcePath& path);
  Answer remove_collection(const HttpRequest& request, const ResourcePath& path);
  Answer get(const HttpRequest& request, const ResourcePath& path);
  Answer get_older(const ResourcePath& path);
  Answer replace(const HttpRequest& request, const ResourcePath& path, Subresource subresource);
  Answer patch(const HttpRequest& request, const ResourcePath& path, Subresource subresource);
  Answer remove(const HttpRequest& request, const ResourcePath& path);
  Answer scale(const HttpRequest& request, const ResourcePath& path);
  Answer bind(const HttpRequest& request, const ResourcePath& path);
  Answer evict(const HttpRequest& request, const ResourcePath& path);
  Answer finalize(const HttpRequest& request, const ResourcePath& path);
  /// Makes the token one of the pod named by the request; it ends with the pod.
  Result<void> bind_to_pod(const Json& bound, TokenClaims& claims) const;
  Answer issue_token(const HttpRequest& request, const ResourcePath& path);
  Answer review_access(const HttpRequest& request) const;
  Answer log_of_pod(const HttpRequest& request, const ResourcePath& path);
  std::optional<HttpResponse> pass_through(const HttpRequest& request, const ResourcePath& path,
                                           Connection& client);
  /// The agent that has the pod, and the path on it: "/exec/NAMESPACE/POD/CONTAINER".
  struct KubeletPath {
    HttpTarget target;
    std::string path;
  };
  Result<KubeletPath> kubelet_path(const HttpRequest& request, const ResourcePath& path,
                                   const std::string& action);

  ApiBackend backend_;
  ApiServerOptions options_;
  Log log_;
  std::atomic<bool> ready_{false};
};

}  // namespace hoplab::web
