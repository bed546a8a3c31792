// Subresources that are more than a part of the object: scale, binding, eviction, token.

#include "runtime/base/text.h"
#include "store/scale.h"
#include "web/api_request.h"
#include "web/api_server.h"

namespace hoplab::web {

namespace {

constexpr int64_t default_token_seconds = 3600;

HttpResponse success() {
  return json_response(201, {{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"metadata", Json::object()},
                             {"status", "Success"},
                             {"code", 201}});
}

}  // namespace

ApiServer::Answer ApiServer::scale(const HttpRequest& request, const ResourcePath& path) {
  Source& source = *backend_.source;
  if (request.method == "GET" || request.method == "HEAD") {
    HOP_TRY(Json scale, get_scale(source, *path.kind, path.namespace_name, path.name));
    return json_response(200, scale);
  }
  HOP_TRY(WriteOptions options, read_write_options(request.query));
  if (request.method == "PATCH") {
    HOP_TRY(PatchType type, read_patch_type(request));
    HOP_TRY(Json patch, parse_json(request.body));
    HOP_TRY(Json scale,
            patch_scale(source, *path.kind, path.namespace_name, path.name, type, patch, options));
    return json_response(200, scale);
  }
  if (request.method != "PUT") {
    return Error(ErrorCode::method_not_allowed, "scale takes GET, PUT and PATCH");
  }
  HOP_TRY(Json wanted, read_body(request));
  HOP_TRY(Json scale,
          update_scale(source, *path.kind, path.namespace_name, path.name, wanted, options));
  return json_response(200, scale);
}

ApiServer::Answer ApiServer::bind(const HttpRequest& request, const ResourcePath& path) {
  if (!backend_.bind) return Error(ErrorCode::method_not_allowed, "bindings are not served");
  HOP_TRY(Json binding, read_body(request));
  const std::string node = string_or(member(binding, "target"), "name");
  if (node.empty()) {
    return Error(ErrorCode::invalid,
                 "Binding \"" + path.name + "\" is invalid: target.name: Required value");
  }
  HOP_CHECK(backend_.bind(path.namespace_name, path.name, node));
  return success();
}

ApiServer::Answer ApiServer::evict(const HttpRequest& request, const ResourcePath& path) {
  DeleteOptions options;
  if (!request.body.empty()) {
    HOP_TRY(Json eviction, read_body(request));
    const Json& grace = at_path(eviction, "deleteOptions.gracePeriodSeconds");
    if (grace.is_number_integer()) options.grace_seconds = grace.get<int64_t>();
  }
  HOP_CHECK(backend_.source->remove(*path.kind, path.namespace_name, path.name, options));
  return success();
}

ApiServer::Answer ApiServer::finalize(const HttpRequest& request, const ResourcePath& path) {
  if (request.method != "PUT" || !backend_.finalize_namespace) {
    return Error(ErrorCode::method_not_allowed, "finalize takes PUT");
  }
  HOP_TRY(Json before, backend_.source->get(*path.kind, "", path.name));
  HOP_CHECK(backend_.finalize_namespace(path.name));
  return json_response(200, before);
}

Result<void> ApiServer::bind_to_pod(const Json& bound, TokenClaims& claims) const {
  if (string_or(bound, "kind") != "Pod") {
    return Error(ErrorCode::invalid, "spec.boundObjectRef.kind: only Pod is supported here");
  }
  const std::string name = string_or(bound, "name");
  HOP_TRY(const Json pod, backend_.source->get(api::kind_of("Pod"), claims.namespace_name, name));
  if (string_or(member(pod, "spec"), "serviceAccountName", "default") != claims.service_account) {
    return Error(ErrorCode::invalid,
                 str("cannot bind token for serviceaccount \"", claims.service_account,
                     "\" to pod running with different serviceaccount name."));
  }
  const std::string uid = string_or(bound, "uid");
  if (!uid.empty() && uid != api::uid_of(pod)) {
    return Error(ErrorCode::conflict,
                 str("the UID in the bound object reference (", uid,
                     ") does not match the UID in record. The object might have been deleted and "
                     "then recreated"));
  }
  claims.pod = name;
  claims.pod_uid = api::uid_of(pod);
  return {};
}

ApiServer::Answer ApiServer::issue_token(const HttpRequest& request, const ResourcePath& path) {
  if (request.method != "POST" || options_.token_private_key_pem.empty()) {
    return Error(ErrorCode::method_not_allowed, "token takes POST");
  }
  HOP_TRY(Json account, backend_.source->get(*path.kind, path.namespace_name, path.name));
  Json body = Json::object();
  if (!request.body.empty()) {
    HOP_TRY(body, read_body(request));
  }
  const WallTime now = backend_.clock->wall();
  int64_t seconds = default_token_seconds;
  if (const Json& wanted = at_path(body, "spec.expirationSeconds"); wanted.is_number_integer()) {
    seconds = wanted.get<int64_t>();
  }
  if (seconds < 600 || seconds > int64_t{10} * 365 * 86400) {
    return Error(ErrorCode::invalid,
                 "spec.expirationSeconds: must be between 10 minutes and 10 "
                 "years");
  }
  TokenClaims claims;
  claims.namespace_name = path.namespace_name;
  claims.service_account = path.name;
  claims.service_account_uid = api::uid_of(account);
  if (const Json& bound = at_path(body, "spec.boundObjectRef"); bound.is_object()) {
    HOP_CHECK(bind_to_pod(bound, claims));
  }
  const WallTime expires = now + std::chrono::seconds(seconds);
  claims.expires =
      std::chrono::duration_cast<std::chrono::seconds>(expires.time_since_epoch()).count();
  HOP_TRY(std::string token, sign_token(claims, options_.token_private_key_pem, now));
  return json_response(
      201, {{"kind", "TokenRequest"},
            {"apiVersion", "authentication.k8s.io/v1"},
            {"metadata", {{"name", path.name}, {"namespace", path.namespace_name}}},
            {"spec", {{"expirationSeconds", seconds}}},
            {"status", {{"token", token}, {"expirationTimestamp", to_rfc3339(expires)}}}});
}

ApiServer::Answer ApiServer::review_access(const HttpRequest& request) const {
  if (request.method != "POST") {
    return Error(ErrorCode::method_not_allowed, "selfsubjectaccessreviews takes POST");
  }
  HOP_TRY(Json review, read_body(request));
  if (!review.is_object()) return Error(ErrorCode::bad_request, "the review must be an object");
  review["kind"] = "SelfSubjectAccessReview";
  review["apiVersion"] = "authorization.k8s.io/v1";
  review["metadata"] = Json::object();
  review["status"] = {{"allowed", true},
                      {"reason", "everyone with a credential of this cluster may do anything"}};
  return json_response(201, review);
}

}  // namespace hoplab::web
