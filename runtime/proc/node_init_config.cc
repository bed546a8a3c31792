#include "runtime/proc/node_init_config.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

Error wrong(const std::string& field, std::string_view what) {
  return Error(ErrorCode::invalid, str("node.json: ", field, ": ", what));
}

/// Names become file names (logs, cgroups).
bool is_name(const std::string& name) {
  auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 63 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), good);
}

Result<ServiceSpec> parse_service(const Json& json, const std::string& field) {
  ServiceSpec service;
  service.name = string_or(json, "name");
  if (!is_name(service.name)) return wrong(field + ".name", "expected a short plain name");
  const Json& argv = member(json, "argv");
  if (!argv.is_array() || argv.empty()) return wrong(field + ".argv", "expected a list of words");
  for (const Json& word : argv) {
    if (!word.is_string()) return wrong(field + ".argv", "expected a list of words");
    service.argv.push_back(word.get<std::string>());
  }
  const Json& env = member(json, "env");
  if (!env.is_null() && !env.is_object()) return wrong(field + ".env", "expected an object");
  for (const auto& [name, value] : env.items()) {
    if (!value.is_string()) return wrong(field + ".env." + name, "expected a string");
    service.env.push_back({name, value.get<std::string>()});
  }
  return service;
}

}  // namespace

Result<NodeConfig> parse_node_config(const Json& json) {
  NodeConfig config;
  config.host = string_or(json, "host");
  config.cluster = string_or(json, "cluster", "k8s");
  if (!is_name(config.host)) return wrong("host", "expected the host's name");
  if (!is_name(config.cluster)) return wrong("cluster", "expected the cluster's name");
  config.image_folder = string_or(json, "images");
  if (!config.image_folder.empty() && !config.image_folder.starts_with('/')) {
    return wrong("images", "expected an absolute path");
  }
  const Json& services = member(json, "services");
  if (!services.is_null() && !services.is_array()) return wrong("services", "expected a list");
  for (size_t i = 0; i < services.size(); ++i) {
    HOP_TRY(ServiceSpec service, parse_service(services[i], str("services[", i, "]")));
    config.services.push_back(std::move(service));
  }
  return config;
}

}  // namespace hoplab::proc
