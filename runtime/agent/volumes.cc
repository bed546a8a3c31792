#include "runtime/agent/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "runtime/agent/volume_owner.h"
#include "runtime/base/base64.h"
#include "runtime/base/fd.h"
#include "runtime/proc/container_child.h"
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

/// Makes the folders of `way` below `root`, never through a link: mkdir by path would follow one
/// that a container puts there meanwhile.
Result<void> make_below(const fs::path& root, const fs::path& way) {
  Fd at(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const fs::path& part : way) {
    // A folder that could not be made cannot be opened either: the next line says why.
    (void)::mkdirat(at.get(), part.c_str(), 0755);
    at = Fd(::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!at) break;
  }
  if (!at) return Error::from_errno(errno, "making folder " + (root / way).string());
  return {};
}

/// Where a subPath really lies, made when missing. A link that a container left in its volume must
/// not lead another one to the node's own files.
Result<std::string> place_of_sub_path(const std::string& volume, const std::string& sub,
                                      bool may_make) {
  std::error_code code;
  fs::path root = fs::canonical(volume, code);
  fs::path place = fs::weakly_canonical(fs::path(volume) / sub, code);
  if (code) return Error::from_errno(code.value(), "looking for subPath \"" + sub + "\"");
  fs::path way = place.lexically_relative(root);
  if (way.empty() || *way.begin() == "..") {
    return Error(ErrorCode::invalid, "subPath \"" + sub + "\" leads out of its volume");
  }
  if (!fs::exists(place, code)) {
    if (!may_make) return Error(ErrorCode::not_found, "subPath \"" + sub + "\" does not exist");
    HOP_CHECK(make_below(root, way));
  }
  return place.string();
}

unsigned mode_of(const Json& holder, const char* field, unsigned fallback) {
  return static_cast<unsigned>(int_or(holder, field, fallback)) & 0777U;
}

/// ConfigMap or Secret as files: all keys, or those of `items`.
Result<void> add_object(const std::string& kind, const Json& source, unsigned default_mode,
                        const ObjectLookup& lookup, VolumeFiles& out) {
  std::string name =
      string_or(source, kind == "Secret" ? "secretName" : "name", string_or(source, "name"));
  bool optional = bool_or(source, "optional");
  auto object = lookup(kind, name);
  if (!object) {
    if (optional && object.error().code() == ErrorCode::not_found) return {};
    return std::move(object).error();
  }
  std::map<std::string, std::string> entries;
  for (auto [field, coded] : {std::pair{"data", kind == "Secret"}, {"binaryData", true}}) {
    for (const auto& [key, value] : member(*object, field).items()) {
      std::string text = value.is_string() ? value.get<std::string>() : std::string();
      if (coded) {
        HOP_TRY(text, base64_decode(text));
      }
      entries[key] = std::move(text);
    }
  }
  const Json& items = member(source, "items");
  if (items.empty()) {
    for (auto& [key, bytes] : entries) out[key] = {std::move(bytes), default_mode};
    return {};
  }
  for (const Json& item : items) {
    auto found = entries.find(string_or(item, "key"));
    if (found != entries.end()) {
      out[string_or(item, "path")] = {found->second, mode_of(item, "mode", default_mode)};
    } else if (!optional) {
      return Error(ErrorCode::not_found, "references non-existent " +
                                             std::string(kind == "Secret" ? "secret" : "config") +
                                             " key: " + string_or(item, "key"));
    }
  }
  return {};
}

std::string type_of(const Json& volume) {
  for (const auto& [key, value] : volume.items()) {
    if (key != "name") return key;
  }
  return "emptyDir";
}

bool holds_files(const std::string& type) {
  return type == "configMap" || type == "secret" || type == "downwardAPI" || type == "projected";
}

bool has_token(const Json& volume) {
  const Json& sources = member(member(volume, "projected"), "sources");
  return std::any_of(sources.begin(), sources.end(), [](const Json& source) {
    return !member(source, "serviceAccountToken").is_null();
  });
}

/// With kubelet's space before the colon that follows.
std::string set_up_failed(const Json& volume) {
  return "MountVolume.SetUp failed for volume \"" + string_or(volume, "name") + "\" ";
}

/// A path of the node must be what the pod says it is, or is made.
Result<void> check_host_path(const Json& volume, const HostPaths& allowed) {
  std::string path = string_or(volume, "path");
  std::string wanted = string_or(volume, "type");
  const HostPaths::Access access = allowed.access(path);
  if (access == HostPaths::Access::none) return allowed.refusal(path);
  std::error_code code;
  fs::file_status found = fs::status(path, code);
  if (!fs::exists(found) && access == HostPaths::Access::write) {
    // Without a type the container runtime makes the folder, as Docker does.
    if (wanted.empty() || wanted == "DirectoryOrCreate") return make_folder(path);
    if (wanted == "FileOrCreate") return write_file(path, "");
  }
  if (!fs::exists(found) && (wanted.empty() || wanted.ends_with("OrCreate"))) {
    return allowed.refusal(path);
  }
  bool folder = wanted.starts_with("Directory") && !fs::is_directory(found);
  bool file = wanted.starts_with("File") && !fs::is_regular_file(found);
  bool socket = wanted == "Socket" && !fs::is_socket(found);
  bool device = (wanted == "CharDevice" && !fs::is_character_file(found)) ||
                (wanted == "BlockDevice" && !fs::is_block_file(found));
  if (!folder && !file && !socket && !device) return {};
  std::string what = folder ? "directory" : file ? "file" : socket ? "socket file" : "device";
  return Error(ErrorCode::invalid, "hostPath type check failed: " + path + " is not a " + what);
}

}  // namespace

Volumes::Volumes(std::string root, NodeFacts node, TokenSource tokens, HostPaths host_paths)
    : root_(std::move(root)),
      node_(std::move(node)),
      tokens_(std::move(tokens)),
      host_paths_(std::move(host_paths)) {}

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
    HOP_CHECK(prepare_one(pod, volume, lookup).context(set_up_failed(volume)));
  }
  return {};
}

Result<void> Volumes::refresh(const PodRecord& pod, const ObjectLookup& lookup) const {
  for (const Json& volume : member(member(pod.object, "spec"), "volumes")) {
    if (!holds_files(type_of(volume)) || has_token(volume)) continue;
    HOP_CHECK(prepare_files(pod, volume, lookup).context(set_up_failed(volume)));
  }
  return {};
}

Result<void> Volumes::prepare_one(const PodRecord& pod, const Json& volume,
                                  const ObjectLookup& lookup) const {
  std::string folder = path_of(pod, volume);
  std::string type = type_of(volume);
  if (type == "hostPath") return check_host_path(member(volume, "hostPath"), host_paths_);
  if (type != "emptyDir" && !holds_files(type)) {
    return Error(ErrorCode::unsupported,
                 "volume type " + type +
                     " is not served here (emptyDir, configMap, secret, downwardAPI, projected, "
                     "hostPath are)");
  }
  HOP_CHECK(make_folder(folder));
  // As kubelet's: whoever a container runs as may look, and write where it is not read-only.
  ::chmod(folder.c_str(), 0777);
  if (type != "emptyDir") return prepare_files(pod, volume, lookup);
  const Json& medium = member(volume, "emptyDir");
  if (string_or(medium, "medium") == "Memory") HOP_CHECK(mount_memory(folder, medium));
  return give_to_group(folder, usable_fs_group(pod), false);
}

Result<void> Volumes::prepare_files(const PodRecord& pod, const Json& volume,
                                    const ObjectLookup& lookup) const {
  std::string type = type_of(volume);
  const Json& own = member(volume, type);
  unsigned mode = mode_of(own, "defaultMode", 0644);
  VolumeFiles files;
  if (type == "projected") {
    for (const Json& source : member(own, "sources")) {
      HOP_CHECK(add_source(pod, source, mode, lookup, files));
    }
  } else {
    HOP_CHECK(add_source(pod, volume, mode, lookup, files));
  }
  // Asked for from the start, or each refresh would find modes it did not ask for.
  if (usable_fs_group(pod)) {
    for (auto& [path, file] : files) file.mode |= 0440U;
  }
  HOP_CHECK(publish_files(path_of(pod, volume), files));
  return give_to_group(path_of(pod, volume), usable_fs_group(pod), true);
}

Result<void> Volumes::add_source(const PodRecord& pod, const Json& source, unsigned default_mode,
                                 const ObjectLookup& lookup, VolumeFiles& out) const {
  if (const Json& map = member(source, "configMap"); !map.is_null()) {
    return add_object("ConfigMap", map, default_mode, lookup, out);
  }
  if (const Json& secret = member(source, "secret"); !secret.is_null()) {
    return add_object("Secret", secret, default_mode, lookup, out);
  }
  if (const Json& token = member(source, "serviceAccountToken"); !token.is_null()) {
    HOP_TRY(std::string text, tokens_(pod));
    out[string_or(token, "path", "token")] = {std::move(text), default_mode};
    return {};
  }
  return add_downward(pod, member(source, "downwardAPI"), default_mode, out);
}

Result<void> Volumes::add_downward(const PodRecord& pod, const Json& source, unsigned default_mode,
                                   VolumeFiles& out) const {
  for (const Json& item : member(source, "items")) {
    std::string text;
    if (const Json& resource = member(item, "resourceFieldRef"); !resource.is_null()) {
      HOP_TRY(text, resource_field(pod, string_or(resource, "containerName"), resource));
    } else {
      HOP_TRY(text, downward_field(pod, node_, string_or(member(item, "fieldRef"), "fieldPath")));
    }
    out[string_or(item, "path")] = {std::move(text), mode_of(item, "mode", default_mode)};
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
    bool may_make = true;
    if (type == "hostPath") {
      HOP_TRY(made.host_path, host_paths_.resolve(made.host_path));
      made.no_links = true;
      may_make = host_paths_.access(made.host_path) == HostPaths::Access::write;
      made.read_only = made.read_only || !may_make;
    } else if (type != "emptyDir") {
      made.read_only = true;
    }
    if (std::string sub = string_or(mount, "subPath"); !sub.empty()) {
      HOP_CHECK(check_relative(sub));
      HOP_TRY(made.host_path, place_of_sub_path(made.host_path, sub, may_make));
      made.no_links = true;
    }
    out.push_back(std::move(made));
  }
  return out;
}

std::string Volumes::message_file(const PodRecord& pod, const std::string& container,
                                  const std::string& container_id) const {
  return pod_folder(pod.uid) + "/containers/" + container + "/" + container_id.substr(0, 8);
}

std::optional<uint32_t> Volumes::usable_fs_group(const PodRecord& pod) {
  const auto group = wanted_fs_group(pod);
  return group && proc::group_exists(*group) ? group : std::nullopt;
}

void Volumes::remove(const std::string& pod_uid) const {
  unmount_memory(pod_folder(pod_uid));
  std::error_code ignored;  // What is left is removed with the sandbox.
  fs::remove_all(pod_folder(pod_uid), ignored);
}

}  // namespace hoplab::agent
