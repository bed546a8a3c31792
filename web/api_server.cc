#include "web/api_server.h"

#include "runtime/base/architecture.h"
#include "runtime/base/text.h"
#include "web/api_discovery.h"
#include "web/api_error.h"
#include "web/api_request.h"

namespace hoplab::web {

namespace {

bool is_health_path(std::string_view path) {
  for (std::string_view health : {"/healthz", "/livez", "/readyz"}) {
    if (path == health || (path.starts_with(health) && path[health.size()] == '/')) return true;
  }
  return false;
}

Json version_json(const ServerVersion& version) {
  auto numbers = split(std::string_view(version.git_version).substr(1), '.');
  return {{"major", numbers.empty() ? "" : numbers[0]},
          {"minor", numbers.size() > 1 ? numbers[1] : ""},
          {"gitVersion", version.git_version},
          {"gitCommit", "hoplab-" HOPLAB_VERSION},
          {"gitTreeState", "clean"},
          {"buildDate", "2022-01-19T17:45:53Z"},
          {"goVersion", "go1.16.12"},
          {"compiler", "gc"},
          {"platform", "linux/" + machine_architecture()}};
}

Error no_such_path() {
  return {ErrorCode::not_found, "the server could not find the requested resource"};
}

Error method_refused(const HttpRequest& request) {
  return {ErrorCode::method_not_allowed,
          "the server does not allow the method " + request.method + " on the requested resource"};
}

}  // namespace

ApiServer::ApiServer(ApiBackend backend, ApiServerOptions options, Log log)
    : backend_(std::move(backend)), options_(std::move(options)), log_(std::move(log)) {}

HttpResponse ApiServer::refuse(const Error& error, int status) {
  Json body = status_json(error);
  body["code"] = status;
  HttpResponse response = json_response(status, body);
  response.close = status == 413 || status == 431;
  return response;
}

/// The signature alone would outlive the account and the pod: a deleted one, or one that was made
/// anew under the same name, has no valid tokens any more.
Result<Peer> ApiServer::peer_of_token(std::string_view token) const {
  HOP_TRY(const TokenClaims claims,
          verify_token(token, options_.token_public_key_pem, backend_.clock->wall()));
  HOP_TRY(const Json account, backend_.source->get(api::kind_of("ServiceAccount"),
                                                   claims.namespace_name, claims.service_account));
  if (api::uid_of(account) != claims.service_account_uid) {
    return Error(ErrorCode::unauthorized, "the token is refused: its account was deleted");
  }
  if (claims.pod.empty()) return claims.peer();
  HOP_TRY(const Json pod,
          backend_.source->get(api::kind_of("Pod"), claims.namespace_name, claims.pod));
  if (api::uid_of(pod) != claims.pod_uid) {
    return Error(ErrorCode::unauthorized, "the token is refused: its pod was deleted");
  }
  return claims.peer();
}

std::optional<HttpResponse> ApiServer::admit(HttpRequest& request) {
  if (!request.peer.anonymous()) return std::nullopt;
  constexpr std::string_view bearer = "Bearer ";
  const std::string authorization = request.header("Authorization");
  if (authorization.starts_with(bearer) && !options_.token_public_key_pem.empty()) {
    auto peer = peer_of_token(trim(std::string_view(authorization).substr(bearer.size())));
    if (peer) {
      const std::string address = request.peer.address;
      request.peer = *peer;
      request.peer.address = address;
      return std::nullopt;
    }
    log_.debug(peer.error().message());
  } else if (request.path == "/version" || is_health_path(request.path)) {
    return std::nullopt;
  }
  return refuse(Error(ErrorCode::unauthorized, "Unauthorized"), 401);
}

HttpResponse ApiServer::handle(const HttpRequest& request) {
  if (auto plain = plain_path(request)) return std::move(*plain);
  if (auto discovery = discovery_response(request)) return std::move(*discovery);
  Answer answer = no_such_path();
  if (request.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") {
    answer = review_access(request);
  } else if (auto path = parse_resource_path(request.path)) {
    answer = resource(request, *path);
  }
  if (answer) return std::move(*answer);
  return refuse(answer.error(), http_status(answer.error()));
}

std::optional<HttpResponse> ApiServer::plain_path(const HttpRequest& request) const {
  if (request.path == "/version" || request.path == "/version/") {
    return json_response(200, version_json(options_.version));
  }
  if (is_health_path(request.path)) {
    if (request.path.starts_with("/readyz") && !ready_) {
      return text_response(500, "[-]controllers: starting\n");
    }
    return text_response(200, "ok");
  }
  if (request.path == "/openapi/v2") {
    HttpResponse response;
    // An empty document is valid: kubectl then leaves validation to us. The media type must not
    // repeat the '@' of the request's, which Go refuses (facts: kubectl.md 3).
    response.content_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    return response;
  }
  return std::nullopt;
}

ApiServer::Answer ApiServer::resource(const HttpRequest& request, const ResourcePath& path) {
  if (!path.older_version.empty()) {
    const bool reads_one = request.method == "GET" && !path.name.empty() &&
                           path.subresource.empty() && !request.query.flag("watch");
    return reads_one ? get_older(path) : no_such_path();
  }
  if (!path.subresource.empty()) return subresource(request, path);
  return path.name.empty() ? collection(request, path) : object(request, path);
}

ApiServer::Answer ApiServer::collection(const HttpRequest& request, const ResourcePath& path) {
  const std::string& method = request.method;
  if (method == "GET" || method == "HEAD") {
    return request.query.flag("watch") ? watch(request, path) : list(request, path);
  }
  const bool names_namespace = !path.kind->namespaced || !path.namespace_name.empty();
  if (method == "POST" && names_namespace) return create(request, path);
  if (method == "DELETE" && names_namespace) return remove_collection(request, path);
  return method_refused(request);
}

ApiServer::Answer ApiServer::object(const HttpRequest& request, const ResourcePath& path) {
  const std::string& method = request.method;
  if (method == "GET" || method == "HEAD") {
    return request.query.flag("watch") ? watch(request, path) : get(request, path);
  }
  if (method == "PUT") return replace(request, path, Subresource::none);
  if (method == "PATCH") return patch(request, path, Subresource::none);
  if (method == "DELETE") return remove(request, path);
  return method_refused(request);
}

ApiServer::Answer ApiServer::subresource(const HttpRequest& request, const ResourcePath& path) {
  const std::string& name = path.subresource;
  const std::string& method = request.method;
  if (name == "status" && path.kind->has_status) {
    if (method == "GET" || method == "HEAD") return get(request, path);
    if (method == "PUT") return replace(request, path, Subresource::status);
    if (method == "PATCH") return patch(request, path, Subresource::status);
    return method_refused(request);
  }
  if (name == "scale" && path.kind->has_scale) return scale(request, path);
  if (path.kind->kind == "Namespace" && name == "finalize") return finalize(request, path);
  if (path.kind->kind == "ServiceAccount" && name == "token") return issue_token(request, path);
  if (path.kind->kind == "Pod") {
    if (name == "binding" && method == "POST") return bind(request, path);
    if (name == "eviction" && method == "POST") return evict(request, path);
    if (name == "log" && method == "GET") return log_of_pod(request, path);
    if (name == "exec" || name == "attach" || name == "portforward") {
      return Error(ErrorCode::bad_request, "Upgrade request required");
    }
  }
  return no_such_path();
}

std::optional<HttpResponse> ApiServer::upgrade(const HttpRequest& request, Connection& connection) {
  auto path = parse_resource_path(request.path);
  const bool streams = path && path->kind->kind == "Pod" &&
                       (path->subresource == "exec" || path->subresource == "attach" ||
                        path->subresource == "portforward");
  if (!streams) return refuse(no_such_path(), 404);
  return pass_through(request, *path, connection);
}

}  // namespace hoplab::web
