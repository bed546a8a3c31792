#include "runtime/base/text.h"
#include "store/api/validate_rules.h"

namespace hoplab::api {

using namespace field_error;

namespace {

constexpr size_t max_annotation_bytes = 256U << 10U;

Problems name_problems(const Kind& kind, std::string_view name) {
  if (kind.kind == "Namespace") return dns1123_label_problems(name);
  if (kind.kind == "Service") return dns1035_label_problems(name);
  return dns1123_subdomain_problems(name);
}

void check_annotations(const Json& annotations, const std::string& path, Causes& out) {
  if (!annotations.is_object()) return;
  size_t bytes = 0;
  for (auto it = annotations.begin(); it != annotations.end(); ++it) {
    add_problems(qualified_name_problems(to_lower(it.key())), path, it.key(), out);
    bytes += it.key().size() + (it->is_string() ? it->get_ref<const std::string&>().size() : 0);
  }
  if (bytes > max_annotation_bytes) {
    out.push_back(too_long(path, str("must have at most ", max_annotation_bytes, " bytes")));
  }
}

}  // namespace

void check_label_map(const Json& labels, const std::string& path, Causes& out) {
  if (!labels.is_object()) return;
  for (auto it = labels.begin(); it != labels.end(); ++it) {
    add_problems(qualified_name_problems(it.key()), path, it.key(), out);
    if (it->is_string()) {
      add_problems(label_value_problems(it->get_ref<const std::string&>()), path, *it, out);
    }
  }
}

void check_object_meta(const Json& metadata, const std::string& path, Causes& out) {
  check_label_map(member(metadata, "labels"), path + ".labels", out);
  check_annotations(member(metadata, "annotations"), path + ".annotations", out);
  int controllers = 0;
  for_each_item(metadata, "ownerReferences", path, [&](const Json& owner, const std::string& at) {
    if (bool_or(owner, "controller") && ++controllers == 2) {
      out.push_back(invalid(at, string_or(owner, "name"),
                            "Only one reference can have Controller set to true"));
    }
  });
}

void check_metadata(const Kind& kind, const Json& object, Causes& out) {
  const Json& metadata = member(object, "metadata");
  std::string name = string_or(metadata, "name");
  std::string prefix = string_or(metadata, "generateName");
  if (!prefix.empty()) {
    // The dash at its end is followed by letters later.
    std::string masked = prefix.ends_with('-') ? prefix.substr(0, prefix.size() - 1) + "a" : prefix;
    add_problems(name_problems(kind, masked), "metadata.generateName", prefix, out);
  }
  if (name.empty()) {
    if (prefix.empty()) {
      out.push_back(required("metadata.name", "name or generateName is required"));
    }
  } else {
    add_problems(name_problems(kind, name), "metadata.name", name, out);
  }
  std::string space = string_or(metadata, "namespace");
  if (space.empty()) return;
  if (!kind.namespaced) {
    out.push_back(forbidden("metadata.namespace", "not allowed on this type"));
  } else {
    add_problems(dns1123_label_problems(space), "metadata.namespace", space, out);
  }
}

void check_metadata_update(const Json& object, const Json& old_object, Causes& out) {
  const Json& metadata = member(object, "metadata");
  const Json& old = member(old_object, "metadata");
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp"}) {
    const Json& value = member(metadata, field);
    if (value.is_null() || value == member(old, field)) continue;
    out.push_back(invalid(str("metadata.", field), value, "field is immutable"));
  }
}

void check_label_selector(const Json& selector, const std::string& path, Causes& out) {
  check_label_map(member(selector, "matchLabels"), path + ".matchLabels", out);
  for_each_item(selector, "matchExpressions", path, [&](const Json& term, const std::string& at) {
    std::string op = string_or(term, "operator");
    bool has_values = !member(term, "values").empty();
    if (op == "In" || op == "NotIn") {
      if (!has_values) {
        out.push_back(
            required(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (has_values) {
        out.push_back(forbidden(
            at + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
    } else if (!op.empty()) {
      out.push_back(invalid(at + ".operator", op, "not a valid selector operator"));
    }
  });
}

}  // namespace hoplab::api
