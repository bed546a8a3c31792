#include "store/scale.h"

#include "runtime/base/text.h"
#include "store/api/patch.h"

namespace hoplab {
namespace {

/// "app=web,tier in (a,b)": Scale.status.selector is text.
std::string selector_text(const Json& selector) {
  std::vector<std::string> terms;
  const Json& labels = member(selector, "matchLabels");
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      terms.push_back(str(key, "=", value.is_string() ? value.get<std::string>() : ""));
    }
  }
  const Json& expressions = member(selector, "matchExpressions");
  for (const Json& e : expressions.is_array() ? expressions : Json::array()) {
    const std::string op = string_or(e, "operator");
    std::vector<std::string> values;
    const Json& list = member(e, "values");
    for (const Json& v : list.is_array() ? list : Json::array()) {
      if (v.is_string()) values.push_back(v.get<std::string>());
    }
    const std::string key = string_or(e, "key");
    if (op == "Exists") terms.push_back(key);
    if (op == "DoesNotExist") terms.push_back("!" + key);
    if (op == "In") terms.push_back(str(key, " in (", join(values, ","), ")"));
    if (op == "NotIn") terms.push_back(str(key, " notin (", join(values, ","), ")"));
  }
  return join(terms, ",");
}

}  // namespace

Json scale_of(const Json& object) {
  const Json& metadata = member(object, "metadata");
  Json scale = {{"apiVersion", "autoscaling/v1"},
                {"kind", "Scale"},
                {"metadata", Json::object()},
                {"spec", {{"replicas", int_or(member(object, "spec"), "replicas", 1)}}},
                {"status",
                 {{"replicas", int_or(member(object, "status"), "replicas")},
                  {"selector", selector_text(at_path(object, "spec.selector"))}}}};
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (metadata.contains(field)) scale["metadata"][field] = metadata[field];
  }
  return scale;
}

Result<Json> get_scale(Source& source, const api::Kind& kind, const std::string& namespace_name,
                       const std::string& name) {
  HOP_TRY(const Json object, source.get(kind, namespace_name, name));
  return scale_of(object);
}

Result<Json> update_scale(Source& source, const api::Kind& kind, const std::string& namespace_name,
                          const std::string& name, const Json& scale, const WriteOptions& options) {
  const Json& replicas = at_path(scale, "spec.replicas");
  if (!replicas.is_null() && (!replicas.is_number_integer() || replicas.get<int64_t>() < 0)) {
    return Error(ErrorCode::invalid,
                 str("Scale.autoscaling \"", name, "\" is invalid: spec.replicas: Invalid value: ",
                     dump_json(replicas), ": must be greater than or equal to 0"));
  }
  Json patch = {{"spec", {{"replicas", replicas.is_null() ? Json(0) : replicas}}}};
  const Json& version = at_path(scale, "metadata.resourceVersion");
  if (version.is_string() && version != "") patch["metadata"]["resourceVersion"] = version;
  HOP_TRY(const Json object, source.patch(kind, namespace_name, name, PatchType::merge, patch,
                                          Subresource::none, options));
  return scale_of(object);
}

Result<Json> patch_scale(Source& source, const api::Kind& kind, const std::string& namespace_name,
                         const std::string& name, PatchType type, const Json& patch,
                         const WriteOptions& options) {
  HOP_TRY(const Json scale, get_scale(source, kind, namespace_name, name));
  HOP_TRY(Json wanted,
          type == PatchType::json ? api::json_patch(scale, patch) : api::merge_patch(scale, patch));
  // Only what the patch itself names is compared; the version just read is not the client's.
  const bool compares =
      type != PatchType::json && at_path(patch, "metadata.resourceVersion").is_string();
  if (!compares && member(wanted, "metadata").is_object()) {
    wanted["metadata"].erase("resourceVersion");
  }
  return update_scale(source, kind, namespace_name, name, wanted, options);
}

}  // namespace hoplab
