#include "runtime/agent/volumes.h"

#include <sys/stat.h>

#include <filesystem>

#include "runtime/base/base64.h"
#include "runtime/base/fd.h"
#include "store/api/kind.h"

namespace hoplab::agent {

namespace fs = std::filesystem;

namespace {

Result<void> make_folder(const std::string& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return Error::from_errno(code.value(), "making folder " + path);
  return {};
}

/// A relative path that stays below its folder; keys of a ConfigMap come from users.
Result<void> check_relative(const std::string& path) {
  fs::path p(path);
  bool climbs = std::find(p.begin(), p.end(), fs::path("..")) != p.end();
  if (path.empty() || p.is_absolute() || climbs) {
    return Error(ErrorCode::invalid, "path \"" + path + "\" must be relative and without \"..\"");
  }
  return {};
}

Result<void> write_entry(const std::string& folder, const std::string& path, std::string_view bytes,
                         unsigned mode) {
  HOP_CHECK(check_relative(path));
  std::string full = folder + "/" + path;
  HOP_CHECK(make_folder(fs::path(full).parent_path().string()));
  return replace_file(full, bytes, mode);
}

/// ConfigMap or Secret as files: all keys, or those of `items`.
Result<void> write_object(const std::string& kind, const Json& source, const std::string& folder,
                          const ObjectLookup& lookup) {
  std::string name =
      string_or(source, kind == "Secret" ? "secretName" : "name", string_or(source, "name"));
  auto object = lookup(kind, name);
  if (!object) {
    bool optional = bool_or(source, "optional");
    if (optional && object.error().code() == ErrorCode::not_found) return {};
    return std::move(object).error();
  }
  auto mode = static_cast<unsigned>(int_or(source, "defaultMode", 0644));
  auto content = [&](const Json& value, bool coded) -> Result<std::string> {
    std::string text = value.is_string() ? value.get<std::string>() : std::string();
    if (coded) return base64_decode(text);
    return text;
  };
  Json entries = member(*object, "data").is_object() ? member(*object, "data") : Json::object();
  std::vector<std::pair<std::string, std::string>> chosen;  // key, path
  if (const Json& items = member(source, "items"); !items.empty()) {
    for (const Json& item : items)
      chosen.emplace_back(string_or(item, "key"), string_or(item, "path"));
  } else {
    for (const auto& [key, value] : entries.items()) chosen.emplace_back(key, key);
  }
  for (const auto& [key, path] : chosen) {
    if (!entries.contains(key)) {
      return Error(ErrorCode::not_found, "references non-existent " +
                                             std::string(kind == "Secret" ? "secret" : "config") +
                                             " key: " + key);
    }
    HOP_TRY(std::string bytes, content(entries[key], kind == "Secret"));
    HOP_CHECK(write_entry(folder, path, bytes, mode));
  }
  for (const auto& [key, value] : member(*object, "binaryData").items()) {
    HOP_TRY(std::string bytes, content(value, true));
    HOP_CHECK(write_entry(folder, key, bytes, mode));
  }
  return {};
}

std::string type_of(const Json& volume) {
  for (const auto& [key, value] : volume.items()) {
    if (key != "name") return key;
  }
  return "emptyDir";
}

}  // namespace

Volumes::Volumes(std::string root, NodeFacts node, TokenSource tokens)
    : root_(std::move(root)), node_(std::move(node)), tokens_(std::move(tokens)) {}

std::string Volumes::pod_folder(const std::string& pod_uid) const {
  return root_ + "/" + pod_uid;
}

std::string Volumes::path_of(const PodRecord& pod, const Json& volume) const {
  if (const Json& host = member(volume, "hostPath"); !host.is_null()) {
    return string_or(host, "path");
  }
  return pod_folder(pod.uid) + "/volumes/kubernetes.io~" + type_of(volume) + "/" +
         string_or(volume, "name");
}

Result<void> Volumes::prepare(const PodRecord& pod, const ObjectLookup& lookup) const {
  for (const Json& volume : member(member(pod.object, "spec"), "volumes")) {
    HOP_CHECK(
        prepare_one(pod, volume, lookup)
            .context("MountVolume.SetUp failed for volume \"" + string_or(volume, "name") + "\""));
  }
  return {};
}

Result<void> Volumes::prepare_one(const PodRecord& pod, const Json& volume,
                                  const ObjectLookup& lookup) const {
  std::string folder = path_of(pod, volume);
  std::string type = type_of(volume);
  if (type == "hostPath") {
    std::string wanted = string_or(member(volume, "hostPath"), "type");
    if (wanted == "DirectoryOrCreate") return make_folder(folder);
    if (!fs::exists(folder)) {
      return Error(ErrorCode::not_found, "hostPath " + folder + " does not exist on the node");
    }
    return {};
  }
  HOP_CHECK(make_folder(folder));
  if (type == "emptyDir") {
    ::chmod(folder.c_str(), 0777);
    return {};
  }
  if (type == "projected") {
    for (const Json& source : member(member(volume, "projected"), "sources")) {
      HOP_CHECK(write_source(pod, source, folder, lookup));
    }
    return {};
  }
  if (type == "configMap" || type == "secret" || type == "downwardAPI") {
    return write_source(pod, volume, folder, lookup);
  }
  return Error(ErrorCode::unsupported,
               "volume type " + type +
                   " is not served here (emptyDir, configMap, secret, downwardAPI, projected, "
                   "hostPath are)");
}

Result<void> Volumes::write_source(const PodRecord& pod, const Json& source,
                                   const std::string& folder, const ObjectLookup& lookup) const {
  if (const Json& map = member(source, "configMap"); !map.is_null()) {
    return write_object("ConfigMap", map, folder, lookup);
  }
  if (const Json& secret = member(source, "secret"); !secret.is_null()) {
    return write_object("Secret", secret, folder, lookup);
  }
  if (const Json& token = member(source, "serviceAccountToken"); !token.is_null()) {
    HOP_TRY(std::string text, tokens_(pod));
    return write_entry(folder, string_or(token, "path", "token"), text, 0644);
  }
  for (const Json& item : member(member(source, "downwardAPI"), "items")) {
    HOP_TRY(std::string text,
            downward_field(pod, node_, string_or(member(item, "fieldRef"), "fieldPath")));
    HOP_CHECK(write_entry(folder, string_or(item, "path"), text, 0644));
  }
  return {};
}

Result<std::vector<VolumeMount>> Volumes::mounts(const PodRecord& pod,
                                                 const Json& container) const {
  std::vector<VolumeMount> out;
  for (const Json& mount : member(container, "volumeMounts")) {
    std::string name = string_or(mount, "name");
    const Json* volume = nullptr;
    for (const Json& candidate : member(member(pod.object, "spec"), "volumes")) {
      if (string_or(candidate, "name") == name) volume = &candidate;
    }
    if (volume == nullptr) {
      return Error(ErrorCode::not_found,
                   "volumeMount names no volume of the pod: \"" + name + "\"");
    }
    VolumeMount made{path_of(pod, *volume), string_or(mount, "mountPath"),
                     bool_or(mount, "readOnly")};
    std::string type = type_of(*volume);
    if (type != "emptyDir" && type != "hostPath") made.read_only = true;
    if (std::string sub = string_or(mount, "subPath"); !sub.empty()) {
      HOP_CHECK(check_relative(sub));
      made.host_path += "/" + sub;
      if (!fs::exists(made.host_path)) HOP_CHECK(make_folder(made.host_path));
    }
    out.push_back(std::move(made));
  }
  return out;
}

void Volumes::remove(const std::string& pod_uid) const {
  std::error_code ignored;  // What is left is removed with the sandbox.
  fs::remove_all(pod_folder(pod_uid), ignored);
}

}  // namespace hoplab::agent
