#include <algorithm>
#include <map>

#include "runtime/base/ip.h"
#include "runtime/base/text.h"
#include "store/api/schema.h"
#include "store/api/schema_table.h"
#include "store/api/validate_rules.h"

namespace hoplab::api {

namespace {

using namespace field_error;

bool is_missing(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_structured() && value.empty());
}

std::string suffix_problem(std::string_view text) {
  bool digits = text.size() > 1 && text.ends_with('%') &&
                text.find_first_not_of("0123456789") == text.size() - 1;
  return digits ? ""
                : "a valid percent string must be a numeric string followed by an ending '%' "
                  "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
}

Problems percent_problems(const Json& value) {
  if (value.is_number_integer()) {
    return value.get<int64_t>() >= 0 ? Problems{} : Problems{"must be greater than or equal to 0"};
  }
  std::string problem = suffix_problem(value.get<std::string>());
  return problem.empty() ? Problems{} : Problems{problem};
}

Problems mode_problems(const Json& value) {
  auto mode = value.get<int64_t>();
  if (mode >= 0 && mode <= 0777) return {};
  return {"must be a number between 0 and 0777 (octal), both inclusive"};
}

/// validation.IsValidUserID and IsValidGroupID.
Problems id_problems(const Json& value) {
  auto id = value.get<int64_t>();
  if (id >= 0 && id <= INT32_MAX) return {};
  return {"must be between 0 and 2147483647, inclusive"};
}

Problems cidr_problems(const Json& value) {
  std::string text = value.get<std::string>();
  auto slash = text.find('/');
  bool ipv6 = slash != std::string::npos && is_ipv6(text.substr(0, slash));
  if (slash != std::string::npos && (ipv6 || Prefix::parse(text).ok())) return {};
  return {"must be a valid CIDR value, (e.g. 10.9.8.0/24)"};
}

Problems format_problems(std::string_view format, const Json& value) {
  if (format == "port") {
    return value.is_string() ? port_name_problems(value.get<std::string>())
                             : port_number_problems(value.get<int64_t>());
  }
  if (format == "percent") return percent_problems(value);
  if (format == "id") return id_problems(value);
  if (format == "mode") return mode_problems(value);
  if (format == "cidr") return cidr_problems(value);
  using TextCheck = Problems (*)(std::string_view);
  static const std::map<std::string_view, TextCheck> checks = {
      {"label", dns1123_label_problems},
      {"subdomain", dns1123_subdomain_problems},
      {"dns1035", dns1035_label_problems},
      {"qname", qualified_name_problems},
      {"labelvalue", label_value_problems},
      {"envname", env_name_problems},
      {"configkey", config_key_problems},
      {"portname", port_name_problems},
      {"ip", ip_problems},
  };
  return checks.at(format)(value.get_ref<const std::string&>());
}

/// Walks an object along its table: required, allowed values, ranges, formats, then the rules.
class Walker {
 public:
  explicit Walker(Causes& out) : out_(out) {}

  void walk(const TypeTable& table, const Json& object, const std::string& path) {
    for (const Field& field : table.fields) {
      const Json& value = member(object, field.name);
      if (value.is_null() && !field.required) continue;
      std::string at = str(path, path.empty() ? "" : ".", field.name);
      if (is_missing(value)) {
        if (field.required) out_.push_back(required(at));
        // An empty object may still lack what it requires.
        if (!(value.is_object() && field.object != nullptr) || field.required) continue;
      }
      if (field.shape == Shape::single) {
        check(field, value, at);
      } else {
        check_items(field, value, at);
      }
    }
    if (StructRule rule = rule_of(table.name)) rule(object, path, out_);
  }

 private:
  void check_items(const Field& field, const Json& items, const std::string& path) {
    size_t index = 0;
    for (auto it = items.begin(); it != items.end(); ++it, ++index) {
      if (it->is_null()) continue;
      check(field, *it, str(path, "[", items.is_array() ? std::to_string(index) : it.key(), "]"));
    }
    if (field.merge == ListMerge::by_key && field.merge_key == "name")
      find_doubles(field, items, path);
  }

  void find_doubles(const Field& field, const Json& items, const std::string& path) {
    // A variable named twice is legal: the later one wins.
    if (field.name == "env" || field.name == "imagePullSecrets" || field.name == "secrets") return;
    for (size_t i = 1; i < items.size(); ++i) {
      const Json& name = member(items[i], "name");
      bool seen = std::any_of(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i),
                              [&](const Json& other) { return member(other, "name") == name; });
      if (seen && !is_missing(name)) out_.push_back(duplicate(str(path, "[", i, "].name"), name));
    }
  }

  void check(const Field& field, const Json& value, const std::string& path) {
    if (field.object != nullptr) return walk(*field.object, value, path);
    if (!field.one_of.empty() && value.is_string() &&
        std::find(field.one_of.begin(), field.one_of.end(), value.get<std::string>()) ==
            field.one_of.end()) {
      out_.push_back(not_supported(path, value, field.one_of));
    }
    if (field.min && value.is_number_integer() && value.get<int64_t>() < *field.min) {
      std::string least = str("must be greater than or equal to ", *field.min);
      out_.push_back(invalid(path, value, *field.min == 1 ? "must be greater than 0" : least));
    }
    // A port of 0 means "none" wherever the field may be left out.
    bool unset = !field.required && (value == 0 || value == "");
    if (field.format.empty() || (unset && field.format != "mode")) return;
    add_problems(format_problems(field.format, value), path, value, out_);
  }

  Causes& out_;
};

void check_kind_rules(const Kind& kind, const Json& object, const Json* old_object, Causes& out) {
  if (kind.kind == "Pod" && old_object != nullptr) check_pod_update(object, *old_object, out);
  if (kind.kind == "Service") check_service(object, old_object, out);
  if (kind.kind == "EndpointSlice") check_endpoint_slice(object, out);
  if (kind.group == "apps") check_workload(kind, object, old_object, out);
  if (kind.kind == "ConfigMap" || kind.kind == "Secret")
    check_config(kind, object, old_object, out);
  if (kind.kind == "IPPool") check_ip_pool(object, old_object, out);
  if (kind.kind == "IPAMBlock") check_ipam_block(object, out);
}

}  // namespace

void add_problems(const Problems& problems, const std::string& path, const Json& value,
                  Causes& out) {
  for (const auto& problem : problems) out.push_back(invalid(path, value, problem));
}

StructRule rule_of(std::string_view type_name) {
  static const std::map<std::string_view, StructRule> rules = {
      {"ObjectMeta", check_object_meta},
      {"LabelSelector", check_label_selector},
      {"PodSpec", check_pod_spec},
      {"PodAffinityTerm", check_affinity_term},
      {"Toleration", check_toleration},
      {"Container", check_container},
      {"EnvVar", check_env},
      {"EnvFromSource", check_env_from},
      {"Probe", check_probe},
      {"LifecycleHandler", check_handler},
      {"ResourceRequirements", check_resources},
      {"Volume", check_volume},
      {"HostPathVolumeSource", check_host_path},
      {"KeyToPath", check_key_path},
      {"EndpointSubset", check_endpoint_subset},
  };
  auto found = rules.find(type_name);
  return found == rules.end() ? nullptr : found->second;
}

std::vector<ErrorCause> validate(const Kind& kind, const Json& object, const Json* old_object,
                                 const ValidateOptions& options) {
  Causes out = check_types(kind.kind, object, options.unknown_fields_are_errors);
  if (!out.empty()) return out;
  check_metadata(kind, object, out);
  if (old_object != nullptr) check_metadata_update(object, *old_object, out);
  Walker(out).walk(table_of(kind), object, "");
  check_kind_rules(kind, object, old_object, out);
  return out;
}

}  // namespace hoplab::api
