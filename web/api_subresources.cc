// Subresources that are more than a part of the object: scale, binding, eviction, token.

#include "runtime/base/text.h"
#include "store/api/patch.h"
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

/// "app=web,tier in (a,b)" of a {matchLabels, matchExpressions}.
std::string selector_text(const Json& selector) {
  std::vector<std::string> terms;
  const Json& labels = member(selector, "matchLabels");
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      if (value.is_string()) terms.push_back(key + "=" + value.get<std::string>());
    }
  }
  const Json& expressions = member(selector, "matchExpressions");
  for (size_t i = 0; expressions.is_array() && i < expressions.size(); ++i) {
    const std::string key = string_or(expressions[i], "key");
    const std::string op = string_or(expressions[i], "operator");
    std::vector<std::string> values;
    const Json& given = member(expressions[i], "values");
    for (size_t k = 0; given.is_array() && k < given.size(); ++k) {
      if (given[k].is_string()) values.push_back(given[k].get<std::string>());
    }
    if (op == "Exists") terms.push_back(key);
    if (op == "DoesNotExist") terms.push_back("!" + key);
    if (op == "In") terms.push_back(key + " in (" + join(values, ",") + ")");
    if (op == "NotIn") terms.push_back(key + " notin (" + join(values, ",") + ")");
  }
  return join(terms, ",");
}

Json scale_of(const Json& object) {
  const Json& metadata = member(object, "metadata");
  Json own = Json::object();
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (!member(metadata, field).is_null()) own[field] = member(metadata, field);
  }
  return {{"kind", "Scale"},
          {"apiVersion", "autoscaling/v1"},
          {"metadata", own},
          {"spec", {{"replicas", int_or(member(object, "spec"), "replicas")}}},
          {"status",
           {{"replicas", int_or(member(object, "status"), "replicas")},
            {"selector", selector_text(at_path(object, "spec.selector"))}}}};
}

Result<Json> patched(PatchType type, const Json& original, const Json& patch) {
  return type == PatchType::json ? api::json_patch(original, patch)
                                 : api::merge_patch(original, patch);
}

}  // namespace

ApiServer::Answer ApiServer::scale(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(Json object, backend_.source->get(*path.kind, path.namespace_name, path.name));
  Json scale = scale_of(object);
  if (request.method == "GET" || request.method == "HEAD") return json_response(200, scale);
  HOP_TRY(WriteOptions options, read_write_options(request.query));
  if (request.method == "PATCH") {
    HOP_TRY(PatchType type, read_patch_type(request));
    HOP_TRY(Json patch, parse_json(request.body));
    const std::string shown = string_or(member(scale, "metadata"), "resourceVersion");
    HOP_TRY(scale, patched(type, scale, patch));
    // Only a version that the patch itself brings is a condition.
    if (string_or(member(scale, "metadata"), "resourceVersion") == shown) {
      scale["metadata"].erase("resourceVersion");
    }
  } else if (request.method == "PUT") {
    HOP_TRY(scale, read_body(request));
  } else {
    return Error(ErrorCode::method_not_allowed, "scale takes GET, PUT and PATCH");
  }
  const Json& replicas = at_path(scale, "spec.replicas");
  if (!replicas.is_null() && (!replicas.is_number_integer() || replicas.get<int64_t>() < 0)) {
    return Error(ErrorCode::invalid, "Scale.autoscaling \"" + path.name +
                                         "\" is invalid: spec.replicas: Invalid value: " +
                                         dump_json(replicas) +
                                         ": must be greater than or equal to 0");
  }
  Json change = {{"spec", {{"replicas", replicas.is_null() ? Json(0) : replicas}}}};
  const std::string version = string_or(member(scale, "metadata"), "resourceVersion");
  if (!version.empty()) change["metadata"]["resourceVersion"] = version;
  HOP_TRY(Json changed, backend_.source->patch(*path.kind, path.namespace_name, path.name,
                                               PatchType::merge, change, Subresource::none,
                                               options));
  return json_response(200, scale_of(changed));
}

ApiServer::Answer ApiServer::bind(const HttpRequest& request, const ResourcePath& path) {
  if (!backend_.bind) return Error(ErrorCode::method_not_allowed, "bindings are not served");
  HOP_TRY(Json binding, read_body(request));
  const std::string node = string_or(member(binding, "target"), "name");
  if (node.empty()) {
    return Error(ErrorCode::invalid, "Binding \"" + path.name +
                                         "\" is invalid: target.name: Required value");
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
    return Error(ErrorCode::invalid, "spec.expirationSeconds: must be between 10 minutes and 10 "
                                     "years");
  }
  TokenClaims claims;
  claims.namespace_name = path.namespace_name;
  claims.service_account = path.name;
  claims.service_account_uid = api::uid_of(account);
  claims.pod = string_or(at_path(body, "spec.boundObjectRef"), "name");
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
