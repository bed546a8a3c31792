#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "store/api/field_error.h"
#include "store/api/kind.h"
#include "store/api/names.h"

/// The rules that a table cannot say, one function per struct or kind. Internal to validate.cc: all
/// take objects whose types were checked, add to `out`, and never throw.
namespace hoplab::api {

using Causes = std::vector<ErrorCause>;

/// A rule of one struct, run wherever it occurs; `path` leads to it ("spec.template.spec").
using StructRule = void (*)(const Json& object, const std::string& path, Causes& out);
/// Null when the struct has no rules beyond its table.
StructRule rule_of(std::string_view type_name);

// By file: validate_meta.cc
void check_metadata(const Kind& kind, const Json& object, Causes& out);
void check_metadata_update(const Json& object, const Json& old_object, Causes& out);
void check_label_selector(const Json& selector, const std::string& path, Causes& out);
void check_label_map(const Json& labels, const std::string& path, Causes& out);

// validate_pod.cc
void check_object_meta(const Json& metadata, const std::string& path, Causes& out);
void check_pod_spec(const Json& spec, const std::string& path, Causes& out);
void check_affinity_term(const Json& term, const std::string& path, Causes& out);
void check_toleration(const Json& toleration, const std::string& path, Causes& out);
void check_pod_update(const Json& object, const Json& old_object, Causes& out);

// validate_container.cc
void check_container(const Json& container, const std::string& path, Causes& out);
void check_env(const Json& env, const std::string& path, Causes& out);
void check_env_from(const Json& env_from, const std::string& path, Causes& out);
void check_probe(const Json& probe, const std::string& path, Causes& out);
void check_handler(const Json& handler, const std::string& path, Causes& out);
void check_resources(const Json& resources, const std::string& path, Causes& out);
void check_volume(const Json& volume, const std::string& path, Causes& out);
void check_host_path(const Json& source, const std::string& path, Causes& out);
void check_key_path(const Json& item, const std::string& path, Causes& out);

// validate_service.cc
void check_service(const Json& object, const Json* old_object, Causes& out);
void check_endpoint_slice(const Json& object, Causes& out);
void check_endpoint_subset(const Json& subset, const std::string& path, Causes& out);

// validate_workload.cc
void check_workload(const Kind& kind, const Json& object, const Json* old_object, Causes& out);
void check_config(const Kind& kind, const Json& object, const Json* old_object, Causes& out);

// validate_calico.cc
void check_ip_pool(const Json& object, const Json* old_object, Causes& out);
void check_ipam_block(const Json& object, Causes& out);

/// Adds one cause per text of `problems`.
void add_problems(const Problems& problems, const std::string& path, const Json& value,
                  Causes& out);
/// Runs `check(item, path)` over a list member: "spec.ports[0]", ….
template <typename Check>
void for_each_item(const Json& object, std::string_view list, const std::string& path,
                   Check check) {
  const Json& items = member(object, list);
  if (!items.is_array()) return;
  for (size_t i = 0; i < items.size(); ++i) {
    check(items[i], path + "." + std::string(list) + "[" + std::to_string(i) + "]");
  }
}

}  // namespace hoplab::api
