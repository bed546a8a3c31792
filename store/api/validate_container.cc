#include <array>
#include <set>

#include "runtime/base/text.h"
#include "store/api/quantity.h"
#include "store/api/validate_rules.h"

namespace hoplab::api {

using namespace field_error;

namespace {

/// Exactly one of the members must be set. Returns how many are.
template <size_t N>
size_t count_members(const Json& object, const std::array<const char*, N>& names) {
  size_t count = 0;
  for (const char* name : names) count += member(object, name).is_null() ? 0 : 1;
  return count;
}

constexpr std::array field_paths = {"metadata.name",
                                    "metadata.namespace",
                                    "metadata.uid",
                                    "metadata.labels",
                                    "metadata.annotations",
                                    "spec.nodeName",
                                    "spec.serviceAccountName",
                                    "status.hostIP",
                                    "status.hostIPs",
                                    "status.podIP",
                                    "status.podIPs"};

bool is_field_path(std::string_view path) {
  for (std::string_view known : field_paths) {
    if (path == known) return true;
  }
  return path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['");
}

void check_doubles(const Json& container, const char* list, const char* key,
                   const std::string& path, Causes& out) {
  std::set<std::string> seen;
  for_each_item(container, list, path, [&](const Json& item, const std::string& at) {
    std::string value = string_or(item, key);
    if (value.empty() || seen.insert(value).second) return;
    std::string_view detail = "must be unique";
    out.push_back(std::string_view(list) == "ports" ? duplicate(str(at, ".", key), value)
                                                    : invalid(str(at, ".", key), value, detail));
  });
}

}  // namespace

void check_container(const Json& container, const std::string& path, Causes& out) {
  check_doubles(container, "ports", "name", path, out);
  check_doubles(container, "volumeMounts", "mountPath", path, out);
  std::string image = string_or(container, "image");
  if (image != trim(image)) {
    out.push_back(invalid(path + ".image", image, "must not have leading or trailing whitespace"));
  }
  for_each_item(container, "volumeMounts", path, [&](const Json& mount, const std::string& at) {
    std::string sub_path = string_or(mount, "subPath");
    if (sub_path.starts_with('/')) {
      out.push_back(invalid(at + ".subPath", sub_path, "must be a relative path"));
    } else if (has_parent_step(sub_path)) {
      out.push_back(invalid(at + ".subPath", sub_path, "must not contain '..'"));
    }
  });
  const Json& security = member(container, "securityContext");
  const Json& escalation = member(security, "allowPrivilegeEscalation");
  if (escalation == false && bool_or(security, "privileged")) {
    out.push_back(
        invalid(path + ".securityContext", security,
                "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
  }
}

void check_env(const Json& env, const std::string& path, Causes& out) {
  const Json& source = member(env, "valueFrom");
  if (source.is_null()) return;
  std::string at = path + ".valueFrom";
  if (!string_or(env, "value").empty()) {
    out.push_back(invalid(at, "", "may not be specified when `value` is not empty"));
  }
  constexpr std::array sources = {"fieldRef", "resourceFieldRef", "configMapKeyRef",
                                  "secretKeyRef"};
  size_t count = count_members(source, sources);
  if (count == 0) {
    out.push_back(invalid(at, "",
                          "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` "
                          "or `secretKeyRef`"));
  } else if (count > 1) {
    out.push_back(invalid(at, "", "may not have more than one field specified at a time"));
  }
  std::string field = string_or(member(source, "fieldRef"), "fieldPath");
  if (!field.empty() && !is_field_path(field)) {
    out.push_back(invalid(at + ".fieldRef.fieldPath", field,
                          "error converting fieldPath: field label not supported: " + field));
  }
}

void check_env_from(const Json& env_from, const std::string& path, Causes& out) {
  constexpr std::array sources = {"configMapRef", "secretRef"};
  size_t count = count_members(env_from, sources);
  if (count == 0) {
    out.push_back(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
  } else if (count > 1) {
    out.push_back(invalid(path, "", "may not have more than one field specified at a time"));
  }
}

void check_handler(const Json& handler, const std::string& path, Causes& out) {
  constexpr std::array kinds = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
  size_t count = 0;
  for (const char* kind : kinds) {
    if (member(handler, kind).is_null()) continue;
    if (++count == 2) {
      out.push_back(forbidden(str(path, ".", kind), "may not specify more than 1 handler type"));
    }
  }
  if (count == 0) out.push_back(required(path, "must specify a handler type"));
}

void check_probe(const Json& probe, const std::string& path, Causes& out) {
  check_handler(probe, path, out);
  bool only_one = path.ends_with(".livenessProbe") || path.ends_with(".startupProbe");
  if (only_one && int_or(probe, "successThreshold", 1) != 1) {
    out.push_back(invalid(path + ".successThreshold", probe.at("successThreshold"), "must be 1"));
  }
}

void check_resources(const Json& resources, const std::string& path, Causes& out) {
  const Json& limits = member(resources, "limits");
  for (const char* list : {"limits", "requests"}) {
    const Json& amounts = member(resources, list);
    if (!amounts.is_object()) continue;
    for (auto it = amounts.begin(); it != amounts.end(); ++it) {
      auto amount = quantity_of(*it);
      if (!amount) continue;
      std::string at = str(path, ".", list, "[", it.key(), "]");
      if (amount->milli < 0) {
        out.push_back(invalid(at, *it, "must be greater than or equal to 0"));
      }
      auto limit = quantity_of(member(limits, it.key()));
      if (limit && amount->milli > limit->milli) {
        out.push_back(invalid(str(path, ".requests"), *it,
                              str("must be less than or equal to ", it.key(), " limit")));
      }
    }
  }
}

void check_volume(const Json& volume, const std::string& path, Causes& out) {
  size_t count = 0;
  for (auto it = volume.begin(); it != volume.end(); ++it) {
    if (it.key() == "name" || it->is_null()) continue;
    if (++count == 2) {
      out.push_back(forbidden(str(path, ".", it.key()), "may not specify more than 1 volume type"));
    }
  }
  if (count == 0) out.push_back(required(path, "must specify a volume type"));
}

void check_host_path(const Json& source, const std::string& path, Causes& out) {
  static constexpr std::string_view types[] = {
      "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
      "File", "FileOrCreate", "Socket"};
  std::string host_path = string_or(source, "path");
  if (has_parent_step(host_path)) {
    out.push_back(invalid(path + ".path", host_path, "must not contain '..'"));
  }
  std::string type = string_or(source, "type");
  if (std::find(std::begin(types), std::end(types), type) == std::end(types)) {
    out.push_back(not_supported(path + ".type", type, types));
  }
}

void check_key_path(const Json& item, const std::string& path, Causes& out) {
  std::string file = string_or(item, "path");
  if (file.starts_with('/'))
    out.push_back(invalid(path + ".path", file, "must be a relative path"));
  if (has_parent_step(file)) out.push_back(invalid(path + ".path", file, "must not contain '..'"));
}

}  // namespace hoplab::api
