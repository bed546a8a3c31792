#include "runtime/image/manifest.h"

#include "runtime/base/text.h"
#include "runtime/image/manifest_reader.h"

namespace hoplab::image {

namespace {

constexpr size_t most_layers = 500;  // docker allows 127
constexpr size_t most_images = 1000;

Result<Json> object_of(std::string_view text, std::string_view document) {
  auto json = parse_json(text);
  if (!json) return std::move(json).error().context(document);
  if (!json->is_object()) {
    return Error(ErrorCode::bad_request, str(document, ": expected an object"));
  }
  return json;
}

Digest digest_at(FieldReader& reader, const Json& object, std::string_view key,
                 std::string_view path) {
  auto digest = Digest::parse(reader.text(object, key, path));
  if (!digest) {
    reader.fail(str(path, path.empty() ? "" : ".", key), digest.error().message());
    return {};
  }
  return *digest;
}

Descriptor read_descriptor(FieldReader& reader, const Json& value, const std::string& path) {
  Descriptor out;
  if (!value.is_object()) {
    reader.fail(path, "expected a descriptor (mediaType, digest, size)");
    return out;
  }
  out.media_type = reader.text(value, "mediaType", path);
  out.digest = digest_at(reader, value, "digest", path);
  out.size = reader.number(value, "size", path);
  out.annotations = reader.text_map(value, "annotations", path);
  const Json& platform = member(value, "platform");
  out.os = reader.text(platform, "os", path + ".platform");
  out.architecture = reader.text(platform, "architecture", path + ".platform");
  return out;
}

std::vector<Descriptor> read_descriptors(FieldReader& reader, const Json& object,
                                         std::string_view key, size_t limit) {
  std::vector<Descriptor> out;
  for (const Json& each : reader.list(object, key, "", limit)) {
    out.push_back(read_descriptor(reader, each, str(key, "[", out.size(), "]")));
  }
  return out;
}

void read_run_config(FieldReader& reader, const Json& config, ImageConfig& out) {
  out.user = reader.text(config, "User", "config");
  out.env = reader.texts(config, "Env", "config");
  out.entrypoint = reader.texts(config, "Entrypoint", "config");
  out.cmd = reader.texts(config, "Cmd", "config");
  out.working_dir = reader.text(config, "WorkingDir", "config");
  out.stop_signal = reader.text(config, "StopSignal", "config");
  out.exposed_ports = reader.keys(config, "ExposedPorts", "config");
  out.volumes = reader.keys(config, "Volumes", "config");
  out.labels = reader.text_map(config, "Labels", "config");
}

History read_history(FieldReader& reader, const Json& value, const std::string& path) {
  return {reader.text(value, "created", path), reader.text(value, "created_by", path),
          reader.text(value, "comment", path), bool_or(value, "empty_layer")};
}

Json keys_object(const std::vector<std::string>& keys) {
  Json out = Json::object();
  for (const std::string& key : keys) out[key] = Json::object();
  return out;
}

}  // namespace

Result<std::vector<Descriptor>> parse_index(std::string_view text) {
  HOP_TRY(Json json, object_of(text, "index.json"));
  FieldReader reader("index.json");
  std::vector<Descriptor> out = read_descriptors(reader, json, "manifests", most_images);
  HOP_CHECK(reader.result());
  return out;
}

Result<Manifest> parse_manifest(std::string_view text) {
  HOP_TRY(Json json, object_of(text, "manifest"));
  FieldReader reader("manifest");
  Manifest out;
  out.config = read_descriptor(reader, member(json, "config"), "config");
  out.layers = read_descriptors(reader, json, "layers", most_layers);
  HOP_CHECK(reader.result());
  return out;
}

Result<ImageConfig> parse_config(std::string_view text) {
  HOP_TRY(Json json, object_of(text, "image config"));
  FieldReader reader("image config");
  ImageConfig out;
  out.created = reader.text(json, "created", "");
  out.author = reader.text(json, "author", "");
  out.architecture = reader.text(json, "architecture", "");
  out.os = reader.text(json, "os", "");
  read_run_config(reader, member(json, "config"), out);
  for (const std::string& each : reader.texts(member(json, "rootfs"), "diff_ids", "rootfs")) {
    auto digest = Digest::parse(each);
    if (!digest) {
      reader.fail(str("rootfs.diff_ids[", out.diff_ids.size(), "]"), digest.error().message());
      break;
    }
    out.diff_ids.push_back(*digest);
  }
  for (const Json& each : reader.list(json, "history", "", most_images)) {
    out.history.push_back(read_history(reader, each, str("history[", out.history.size(), "]")));
  }
  HOP_CHECK(reader.result());
  return out;
}

Result<std::vector<DockerArchiveImage>> parse_docker_manifest(std::string_view text) {
  auto json = parse_json(text);
  if (!json) return std::move(json).error().context("manifest.json");
  FieldReader reader("manifest.json");
  Json wrapped{{"images", *std::move(json)}};
  std::vector<DockerArchiveImage> out;
  for (const Json& each : reader.list(wrapped, "images", "", most_images)) {
    std::string path = str("[", out.size(), "]");
    DockerArchiveImage image;
    image.config = reader.text(each, "Config", path);
    image.repo_tags = reader.texts(each, "RepoTags", path);
    image.layers = reader.texts(each, "Layers", path);
    if (image.config.empty()) reader.fail(path + ".Config", "required");
    if (image.layers.size() > most_layers) reader.fail(path + ".Layers", "too many");
    out.push_back(std::move(image));
  }
  HOP_CHECK(reader.result());
  return out;
}

Json to_json(const Descriptor& value) {
  Json out{{"mediaType", value.media_type}, {"digest", value.digest.text()}, {"size", value.size}};
  if (!value.annotations.empty()) out["annotations"] = value.annotations;
  if (!value.os.empty() || !value.architecture.empty()) {
    out["platform"] = {{"os", value.os}, {"architecture", value.architecture}};
  }
  return out;
}

std::string index_text(const std::vector<Descriptor>& manifests) {
  Json list = Json::array();
  for (const Descriptor& each : manifests) list.push_back(to_json(each));
  return dump_json(
      {{"schemaVersion", 2}, {"mediaType", media_type::index}, {"manifests", std::move(list)}});
}

std::string manifest_text(const Manifest& value) {
  Json layers = Json::array();
  for (const Descriptor& each : value.layers) layers.push_back(to_json(each));
  return dump_json({{"schemaVersion", 2},
                    {"mediaType", media_type::manifest},
                    {"config", to_json(value.config)},
                    {"layers", std::move(layers)}});
}

std::string config_text(const ImageConfig& value) {
  Json run = Json::object();
  if (!value.user.empty()) run["User"] = value.user;
  if (!value.env.empty()) run["Env"] = value.env;
  if (!value.entrypoint.empty()) run["Entrypoint"] = value.entrypoint;
  if (!value.cmd.empty()) run["Cmd"] = value.cmd;
  if (!value.working_dir.empty()) run["WorkingDir"] = value.working_dir;
  if (!value.stop_signal.empty()) run["StopSignal"] = value.stop_signal;
  if (!value.exposed_ports.empty()) run["ExposedPorts"] = keys_object(value.exposed_ports);
  if (!value.volumes.empty()) run["Volumes"] = keys_object(value.volumes);
  if (!value.labels.empty()) run["Labels"] = value.labels;
  Json diff_ids = Json::array();
  for (const Digest& each : value.diff_ids) diff_ids.push_back(each.text());
  Json history = Json::array();
  for (const History& each : value.history) {
    Json row{{"created", each.created}, {"created_by", each.created_by}};
    if (!each.comment.empty()) row["comment"] = each.comment;
    if (each.empty_layer) row["empty_layer"] = true;
    history.push_back(std::move(row));
  }
  return dump_json({{"created", value.created},
                    {"author", value.author},
                    {"architecture", value.architecture},
                    {"os", value.os},
                    {"config", std::move(run)},
                    {"rootfs", {{"type", "layers"}, {"diff_ids", std::move(diff_ids)}}},
                    {"history", std::move(history)}});
}

}  // namespace hoplab::image
