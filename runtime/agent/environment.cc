#include "runtime/agent/environment.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cctype>
#include <thread>

#include "runtime/base/base64.h"
#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/api/quantity.h"

namespace hoplab::agent {

namespace {

/// Secret.data is base64; ConfigMap.data is text.
Result<std::string> decode_entry(const std::string& kind, const Json& value) {
  if (!value.is_string()) return Error(ErrorCode::invalid, "value is not a string");
  if (kind == "Secret") return base64_decode(value.get<std::string>());
  return value.get<std::string>();
}

/// The value of one key; an empty string when it is missing but optional.
Result<std::optional<std::string>> read_key(const std::string& kind, const Json& reference,
                                            const ObjectLookup& lookup) {
  std::string name = string_or(reference, "name");
  std::string key = string_or(reference, "key");
  bool optional = bool_or(reference, "optional");
  auto object = lookup(kind, name);
  if (!object) {
    if (optional && object.error().code() == ErrorCode::not_found) return std::nullopt;
    return std::move(object).error();
  }
  const Json& value = member(member(*object, "data"), key);
  if (value.is_null()) {
    if (optional) return std::nullopt;
    return Error(ErrorCode::not_found, "couldn't find key " + key + " in " + kind + " " +
                                           api::namespace_of(*object) + "/" + name);
  }
  HOP_TRY(std::string text, decode_entry(kind, value));
  return std::optional(text);
}

Result<void> add_from(const Json& source, const ObjectLookup& lookup, Variables& out) {
  for (auto [field, kind] : {std::pair{"configMapRef", "ConfigMap"}, {"secretRef", "Secret"}}) {
    const Json& reference = member(source, field);
    if (reference.is_null()) continue;
    auto object = lookup(kind, string_or(reference, "name"));
    if (!object) {
      if (bool_or(reference, "optional") && object.error().code() == ErrorCode::not_found) continue;
      return std::move(object).error();
    }
    std::string prefix = string_or(source, "prefix");
    for (const auto& [key, value] : member(*object, "data").items()) {
      HOP_TRY(std::string text, decode_entry(kind, value));
      out.emplace_back(prefix + key, text);
    }
  }
  return {};
}

Result<std::optional<std::string>> value_of(const PodRecord& pod, const Json& container,
                                            const NodeFacts& node, const Json& item,
                                            const Variables& before, const ObjectLookup& lookup) {
  const Json& from = member(item, "valueFrom");
  if (from.is_null()) return std::optional(expand(string_or(item, "value"), before));
  if (const Json& field = member(from, "fieldRef"); !field.is_null()) {
    HOP_TRY(std::string text, downward_field(pod, node, string_or(field, "fieldPath")));
    return std::optional(text);
  }
  if (const Json& key = member(from, "configMapKeyRef"); !key.is_null()) {
    return read_key("ConfigMap", key, lookup);
  }
  if (const Json& key = member(from, "secretKeyRef"); !key.is_null()) {
    return read_key("Secret", key, lookup);
  }
  if (const Json& resource = member(from, "resourceFieldRef"); !resource.is_null()) {
    std::string name = string_or(resource, "containerName", string_or(container, "name"));
    HOP_TRY(std::string text, resource_field(pod, name, resource));
    return std::optional(text);
  }
  return Error(ErrorCode::invalid, "valueFrom of " + string_or(item, "name") + " names no source");
}

/// What a container without a limit could use.
api::Quantity node_capacity(const std::string& resource) {
  if (resource == "cpu") return {int64_t{std::thread::hardware_concurrency()} * 1000};
  struct sysinfo memory {};
  if (resource != "memory" || ::sysinfo(&memory) != 0) return {};
  return {static_cast<int64_t>(memory.totalram * memory.mem_unit) * 1000};
}

std::string variable_name(std::string_view service) {
  std::string out;
  for (char c : service) {
    out +=
        c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

void set(Variables& variables, const std::string& name, std::string value) {
  for (auto& [known, old] : variables) {
    if (known == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

void add_service(const Json& service, Variables& out) {
  const Json& spec = member(service, "spec");
  std::string ip = string_or(spec, "clusterIP");
  const Json& ports = member(spec, "ports");
  if (ip.empty() || ip == "None" || ports.empty()) return;
  std::string name = variable_name(api::name_of(service));
  auto port_text = [](const Json& port) { return std::to_string(int_or(port, "port")); };
  out.emplace_back(name + "_SERVICE_HOST", ip);
  out.emplace_back(name + "_SERVICE_PORT", port_text(ports.front()));
  for (const Json& port : ports) {
    std::string port_name = string_or(port, "name");
    if (port_name.empty()) continue;
    out.emplace_back(name + "_SERVICE_PORT_" + variable_name(port_name), port_text(port));
  }
  bool first = true;
  for (const Json& port : ports) {
    std::string protocol = string_or(port, "protocol", "TCP");
    std::string url = to_lower(protocol) + "://" + ip + ":" + port_text(port);
    if (first) out.emplace_back(name + "_PORT", url);
    first = false;
    std::string prefix = name + "_PORT_" + port_text(port) + "_" + protocol;
    out.emplace_back(prefix, url);
    out.emplace_back(prefix + "_PROTO", to_lower(protocol));
    out.emplace_back(prefix + "_PORT", port_text(port));
    out.emplace_back(prefix + "_ADDR", ip);
  }
}

}  // namespace

std::string expand(std::string_view text, const Variables& variables) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    auto close = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += '$';
      continue;
    }
    std::string_view name = text.substr(i + 2, close - i - 2);
    auto known = std::find_if(variables.begin(), variables.end(),
                              [name](const auto& v) { return v.first == name; });
    out += known == variables.end() ? std::string(text.substr(i, close - i + 1)) : known->second;
    i = close;
  }
  return out;
}

Result<std::string> downward_field(const PodRecord& pod, const NodeFacts& node,
                                   const std::string& path) {
  const Json& metadata = member(pod.object, "metadata");
  if (path == "spec.nodeName") return node.name;
  if (path == "status.hostIP") return to_string(node.address);
  if (path == "status.podIP" || path == "status.podIPs") {
    if (pod.host_network()) return to_string(node.address);
    return pod.ip ? to_string(*pod.ip) : std::string();
  }
  if (path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid" ||
      path == "spec.serviceAccountName") {
    const Json& value = at_path(pod.object, path);
    return value.is_string() ? value.get<std::string>() : std::string();
  }
  for (auto list : {"labels", "annotations"}) {
    std::string prefix = std::string("metadata.") + list;
    const Json& entries = member(metadata, list);
    if (path == prefix) {
      std::string out;
      for (const auto& [key, value] : entries.items()) {
        out += (out.empty() ? "" : "\n") + key + "=" + dump_json(value);
      }
      return out;
    }
    if (path.starts_with(prefix + "['") && path.ends_with("']")) {
      return string_or(entries, path.substr(prefix.size() + 2, path.size() - prefix.size() - 4));
    }
  }
  return Error(ErrorCode::invalid, "field \"" + path + "\" cannot be read by the downward API");
}

Result<std::string> resource_field(const PodRecord& pod, const std::string& container_name,
                                   const Json& reference) {
  std::string path = string_or(reference, "resource");
  std::string list = path.substr(0, path.find('.'));
  std::string resource = path.substr(path.find('.') + 1);
  const Json& spec = member(pod.object, "spec");
  for (auto kind : {"containers", "initContainers"}) {
    for (const Json& container : member(spec, kind)) {
      if (string_or(container, "name") != container_name) continue;
      const Json& value = member(member(member(container, "resources"), list), resource);
      api::Quantity amount = list == "limits" ? node_capacity(resource) : api::Quantity();
      if (!value.is_null()) {
        HOP_TRY(amount, api::quantity_of(value));
      }
      api::Quantity divisor{1000};
      if (const Json& wanted = member(reference, "divisor"); !wanted.is_null()) {
        HOP_TRY(divisor, api::quantity_of(wanted));
      }
      int64_t by = std::max<int64_t>(divisor.milli, 1);
      return std::to_string(amount.milli / by + (amount.milli % by == 0 ? 0 : 1));
    }
  }
  return Error(ErrorCode::not_found, "container \"" + container_name + "\" not found");
}

Variables service_variables(const std::vector<Json>& services) {
  Variables out;
  for (const Json& service : services) add_service(service, out);
  return out;
}

Result<Variables> make_environment(const PodRecord& pod, const Json& container,
                                   const NodeFacts& node, const std::vector<Json>& services,
                                   const ObjectLookup& lookup) {
  Variables out = service_variables(services);
  Variables from;
  for (const Json& source : member(container, "envFrom")) HOP_CHECK(add_from(source, lookup, from));
  for (auto& [name, value] : from) set(out, name, value);
  for (const Json& item : member(container, "env")) {
    HOP_TRY(auto value, value_of(pod, container, node, item, out, lookup));
    if (value) set(out, string_or(item, "name"), *value);
  }
  return out;
}

}  // namespace hoplab::agent
