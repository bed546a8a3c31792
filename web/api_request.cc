#include "web/api_request.h"

#include <charconv>

#include "runtime/base/text.h"
#include "store/api/manifest.h"

namespace hoplab::web {

namespace {

Error bad(std::string message) {
  return {ErrorCode::bad_request, std::move(message)};
}

Result<void> check_or_fill(Json& object, const char* field, const std::string& expected,
                           const std::string& complaint) {
  Json& value = object[field];
  if (value.is_null()) value = expected;
  if (!value.is_string()) return bad(str(field, ": must be a string"));
  if (value.get_ref<const std::string&>() == expected) return {};
  return bad(str(complaint, " (", value.get<std::string>(), ") does not match the expected ", field,
                 " (", expected, ")"));
}

Result<void> read_delete_body(const HttpRequest& request, DeleteOptions& options) {
  if (request.body.empty()) return {};
  HOP_TRY(Json body, read_body(request));
  if (!body.is_object()) return bad("the body of a delete must be a DeleteOptions object");
  const Json& grace = member(body, "gracePeriodSeconds");
  if (grace.is_number_integer()) options.grace_seconds = grace.get<int64_t>();
  const std::string policy = string_or(body, "propagationPolicy");
  if (policy == "Orphan" || bool_or(body, "orphanDependents")) {
    options.propagation = Propagation::orphan;
  } else if (policy == "Foreground") {
    options.propagation = Propagation::foreground;
  } else if (!policy.empty() && policy != "Background") {
    return Error(ErrorCode::invalid, "propagationPolicy: Unsupported value: \"" + policy + "\"");
  }
  options.precondition_uid = string_or(member(body, "preconditions"), "uid");
  options.dry_run = member(body, "dryRun").is_array() && !member(body, "dryRun").empty();
  return {};
}

}  // namespace

Result<Json> read_body(const HttpRequest& request) {
  const std::string type = request.content_type();
  // kubectl 1.20 sends JSON without a type; curl -d calls everything a form.
  if (type.empty() || type.ends_with("json") || type == "application/x-www-form-urlencoded") {
    return parse_json(request.body);
  }
  if (type == "application/yaml" || type == "text/yaml" || type == "application/x-yaml") {
    return api::parse_yaml(request.body, "the request's body");
  }
  return Error(ErrorCode::unsupported_media_type,
               "the body of the request was in an unknown format - accepted media types include: "
               "application/json, application/yaml");
}

Result<Json> read_object(const HttpRequest& request, const ResourcePath& path) {
  HOP_TRY(Json object, read_body(request));
  if (!object.is_object()) return bad("the body of the request must be an object");
  HOP_CHECK(
      check_or_fill(object, "apiVersion", path.kind->api_version(), "the API version in the data"));
  HOP_CHECK(check_or_fill(object, "kind", std::string(path.kind->kind), "the kind in the data"));
  const Json& metadata = member(object, "metadata");
  if (!metadata.is_null() && !metadata.is_object()) return bad("metadata: must be an object");
  const std::string name = string_or(metadata, "name");
  if (!path.name.empty() && !name.empty() && name != path.name) {
    return bad("the name of the object (" + name + ") does not match the name on the URL (" +
               path.name + ")");
  }
  const std::string in_namespace = string_or(metadata, "namespace");
  if (path.kind->namespaced && !in_namespace.empty() && in_namespace != path.namespace_name) {
    return bad(
        "the namespace of the provided object does not match the namespace sent on the "
        "request");
  }
  return object;
}

Result<WriteOptions> read_write_options(const Query& query) {
  WriteOptions options;
  for (const std::string& value : query.all("dryRun")) {
    if (value != "All") {
      return Error(ErrorCode::invalid,
                   "dryRun: Unsupported value: \"" + value + "\": supported values: \"All\"");
    }
    options.dry_run = true;
  }
  const std::string validation = query.get("fieldValidation");
  if (!validation.empty() && validation != "Strict" && validation != "Warn" &&
      validation != "Ignore") {
    return Error(ErrorCode::invalid, "fieldValidation: Unsupported value: \"" + validation + "\"");
  }
  options.strict = validation == "Strict";
  options.field_manager = query.get("fieldManager");
  return options;
}

bool wants_warnings(const Query& query) {
  return query.get("fieldValidation") != "Ignore";
}

Result<DeleteOptions> read_delete_options(const HttpRequest& request) {
  DeleteOptions options;
  HOP_CHECK(read_delete_body(request, options));
  if (request.query.has("gracePeriodSeconds")) {
    HOP_TRY(options.grace_seconds, read_number(request.query, "gracePeriodSeconds", 0));
  }
  if (request.query.get("propagationPolicy") == "Orphan") options.propagation = Propagation::orphan;
  if (request.query.get("propagationPolicy") == "Foreground") {
    options.propagation = Propagation::foreground;
  }
  if (request.query.has("dryRun")) options.dry_run = true;
  if (options.grace_seconds && *options.grace_seconds < 0) {
    return Error(ErrorCode::invalid, "gracePeriodSeconds: must not be negative");
  }
  return options;
}

Selection read_selection(const HttpRequest& request, const ResourcePath& path) {
  Selection selection;
  selection.namespace_name = path.namespace_name;
  selection.label_selector = request.query.get("labelSelector");
  selection.field_selector = request.query.get("fieldSelector");
  if (path.name.empty()) return selection;
  if (!selection.field_selector.empty()) selection.field_selector += ",";
  selection.field_selector += "metadata.name=" + path.name;
  return selection;
}

Result<int64_t> read_number(const Query& query, const std::string& name, int64_t fallback) {
  const std::string text = query.get(name);
  if (text.empty()) return fallback;
  int64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return bad(name + ": Invalid value: \"" + text + "\": must be a whole number");
  }
  return number;
}

Result<PatchType> read_patch_type(const HttpRequest& request) {
  const std::string type = request.content_type();
  if (type == "application/json-patch+json") return PatchType::json;
  if (type == "application/merge-patch+json") return PatchType::merge;
  if (type == "application/strategic-merge-patch+json") return PatchType::strategic_merge;
  return Error(ErrorCode::unsupported_media_type,
               "the body of the request was in an unknown format - accepted media types include: "
               "application/json-patch+json, application/merge-patch+json, "
               "application/strategic-merge-patch+json");
}

bool wants_table(const HttpRequest& request) {
  for (const std::string& accepted : header_values(request.headers, "Accept")) {
    if (accepted.find("as=Table") != std::string::npos) return true;
  }
  return false;
}

api::TableOptions read_table_options(const HttpRequest& request, WallTime now) {
  return {api::parse_include_object(request.query.get("includeObject")), now};
}

}  // namespace hoplab::web
