// docker image inspect.

#include <iostream>

#include "cmd/docker.h"
#include "cmd/docker_format.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::docker {

namespace {

constexpr FlagSpec inspect_flags[] = {
    {"format", 'f', FlagKind::value, "", "Format the output using the given Go template"},
};

Json keys_object(const std::vector<std::string>& keys) {
  if (keys.empty()) return nullptr;
  Json out = Json::object();
  for (const std::string& key : keys) out[key] = Json::object();
  return out;
}

Json list_or_null(const std::vector<std::string>& list) {
  return list.empty() ? Json() : Json(list);
}

Json run_config(const image::ImageConfig& config) {
  return {{"User", config.user},
          {"ExposedPorts", keys_object(config.exposed_ports)},
          {"Env", list_or_null(config.env)},
          {"Cmd", list_or_null(config.cmd)},
          {"Entrypoint", list_or_null(config.entrypoint)},
          {"WorkingDir", config.working_dir},
          {"Volumes", keys_object(config.volumes)},
          {"StopSignal", config.stop_signal},
          {"Labels", config.labels.empty() ? Json() : Json(config.labels)}};
}

/// lowerdir as overlayfs has it: the top layer first.
Json graph_driver(const image::ImageStore& store, const image::StoredImage& image) {
  std::vector<std::string> layers = store.layers(image);
  Json data = Json::object();
  if (!layers.empty()) {
    data["UpperDir"] = layers.back();
    layers.pop_back();
    if (!layers.empty()) {
      data["LowerDir"] = join(std::vector<std::string>(layers.rbegin(), layers.rend()), ":");
    }
  }
  return {{"Name", "overlay2"}, {"Data", std::move(data)}};
}

Json json_of(const image::ImageStore& store, const image::StoredImage& image) {
  Json tags = Json::array();
  for (const std::string& name : image.names) {
    tags.push_back(image::Reference::parse(name)->familiar());
  }
  Json layers = Json::array();
  for (const image::Digest& each : image.config.diff_ids) layers.push_back(each.text());
  return {{"Id", image.id.text()},
          {"RepoTags", std::move(tags)},
          {"RepoDigests", Json::array()},
          {"Created", image.config.created},
          {"Author", image.config.author},
          {"Config", run_config(image.config)},
          {"Architecture", image.config.architecture},
          {"Os", image.config.os},
          {"Size", image.bytes},
          {"VirtualSize", image.bytes},
          {"GraphDriver", graph_driver(store, image)},
          {"RootFS", {{"Type", "layers"}, {"Layers", std::move(layers)}}}};
}

Result<int> run_inspect(Session& session) {
  HOP_TRY(image::ImageStore store, open_images());
  Json found = Json::array();
  int code = exit_ok;
  for (const std::string& each : session.flags.args()) {
    auto image = store.find(each);
    if (image) {
      found.push_back(json_of(store, *image));
    } else {
      std::cerr << "Error: " << image.error().message() << "\n";
      code = exit_failure;
    }
  }
  std::string format = session.flags.get("format");
  if (format.empty()) {
    std::cout << dump_json_pretty(found) << "\n";
    return code;
  }
  HOP_TRY(const kubectl::GoTemplate parsed, parse_format(format));
  for (const Json& each : found) {
    HOP_TRY(std::string text, parsed.print(each));
    std::cout << text << "\n";
  }
  return code;
}

}  // namespace

extern const Verb image_inspect_verb;
const Verb image_inspect_verb{"image inspect",
                              "image inspect [OPTIONS] IMAGE [IMAGE...]",
                              "Display detailed information on one or more images",
                              "  docker image inspect -f '{{json .Config.Env}}' mine:1\n",
                              inspect_flags,
                              1,
                              1000,
                              run_inspect};

}  // namespace hoplab::cmd::docker
