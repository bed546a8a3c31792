#include "store/object_shape.h"

#include <array>

#include "runtime/base/text.h"
#include "store/api/schema.h"

namespace hoplab {
namespace {

constexpr std::array<const char*, 6> system_fields = {
    "uid",        "resourceVersion",           "creationTimestamp", "deletionTimestamp",
    "generation", "deletionGracePeriodSeconds"};

/// Sets the text where it is missing; false when the object says something else.
bool agree(Json& object, const char* field, const std::string& expected) {
  Json& value = object[field];
  if (value.is_null() || value == "") value = expected;
  return value == expected;
}

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

}  // namespace

Result<void> check_shape(const api::Kind& kind, const std::string& namespace_name, Json& object) {
  if (!object.is_object()) {
    return Error(ErrorCode::bad_request,
                 str("the body is not an object of kind ", kind.kind, " but ", object.type_name()));
  }
  if (!agree(object, "apiVersion", kind.api_version())) {
    return Error(ErrorCode::bad_request,
                 str("the API version in the data (", shown(object["apiVersion"]),
                     ") does not match the expected API version (", kind.api_version(), ")"));
  }
  if (!agree(object, "kind", std::string(kind.kind))) {
    return Error(ErrorCode::bad_request,
                 str("the kind in the data (", shown(object["kind"]),
                     ") does not match the expected kind (", kind.kind, ")"));
  }
  Json& metadata = object["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  if (!metadata.is_object()) {
    return Error(ErrorCode::bad_request, "metadata: must be an object");
  }
  if (!kind.namespaced) {
    metadata.erase("namespace");
    return {};
  }
  if (namespace_name.empty()) {
    return Error(ErrorCode::bad_request, "an empty namespace may not be set during creation");
  }
  if (!agree(metadata, "namespace", namespace_name)) {
    return Error(ErrorCode::bad_request,
                 "the namespace of the provided object does not match the namespace sent on the "
                 "request");
  }
  return {};
}

Result<void> check_name(const api::Kind& kind, const std::string& namespace_name,
                        const std::string& name, Json& object) {
  HOP_CHECK(check_shape(kind, namespace_name, object));
  if (!agree(object["metadata"], "name", name)) {
    return Error(ErrorCode::bad_request,
                 str("the name of the object (", shown(object["metadata"]["name"]),
                     ") does not match the name on the URL (", name, ")"));
  }
  return {};
}

void remove_client_state(const api::Kind& kind, Json& object) {
  Json& metadata = object["metadata"];
  for (const char* field : system_fields) metadata.erase(field);
  metadata.erase("selfLink");
  metadata.erase("managedFields");
  // A kubelet registers its Node together with its first status; nobody else may start with one.
  if (kind.has_status && kind.kind != "Node") object.erase("status");
}

void keep_system_metadata(const Json& current, Json& wanted) {
  const Json& from = member(current, "metadata");
  Json& to = wanted["metadata"];
  for (const char* field : system_fields) {
    if (from.contains(field)) {
      to[field] = from[field];
    } else {
      to.erase(field);
    }
  }
  to.erase("selfLink");
  to.erase("managedFields");
}

void drop_unknown(const api::Kind& kind, Json& object, const WriteOptions& options) {
  if (options.strict) return;
  const auto dropped = api::drop_unknown_fields(kind, object);
  if (options.warnings == nullptr) return;
  // A lost race repeats the whole preparation: what the last one found counts.
  options.warnings->clear();
  for (const auto& path : dropped) options.warnings->push_back(api::unknown_field_text(path));
}

}  // namespace hoplab
