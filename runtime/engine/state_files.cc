#include "runtime/engine/state_files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "runtime/base/directory.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::engine {

namespace {

constexpr size_t largest_file = 4U << 20U;
constexpr int log_files = 9;  ///< More than any log has (LogSpec::max_files).

template <typename T>
Result<T> read_value(const std::string& path, Result<T> (*from_json)(const Json&)) {
  HOP_TRY(const std::string text, read_file(path, largest_file));
  HOP_TRY(const Json json, parse_json(text).context(path));
  return from_json(json).context(path);
}

void set_aside(const std::string& path, const Error& error, const Log& log) {
  log.error("reading the engine's state; the file is kept as " + path + ".damaged", error);
  (void)std::rename(path.c_str(), (path + ".damaged").c_str());
}

Result<std::vector<Network>> networks_from_json(const Json& json) {
  std::vector<Network> networks;
  for (const Json& item : member(json, "networks")) {
    HOP_TRY(Network network, network_from_json(item));
    networks.push_back(std::move(network));
  }
  return networks;
}

}  // namespace

Result<StateFiles> StateFiles::open(std::string folder) {
  HOP_CHECK(make_directories(folder + "/containers", 0700));
  return StateFiles(std::move(folder));
}

std::string StateFiles::path(const std::string& container_id) const {
  return str(folder_, "/containers/", container_id, ".json");
}

std::string StateFiles::log_path(const std::string& container_id) const {
  return str(folder_, "/containers/", container_id, ".log");
}

Result<StateFiles::Contents> StateFiles::load(const Log& log) const {
  Contents contents;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/containers", failed)) {
    if (entry.path().extension() != ".json") continue;
    auto container = read_value(entry.path().string(), container_from_json);
    if (container) {
      contents.containers.push_back(*std::move(container));
    } else {
      set_aside(entry.path().string(), container.error(), log);
    }
  }
  if (failed) return Error::from_errno(failed.value(), "reading " + folder_ + "/containers");
  std::sort(contents.containers.begin(), contents.containers.end(),
            [](const Container& a, const Container& b) { return a.created_at < b.created_at; });
  const std::string networks = folder_ + "/networks.json";
  auto read = read_value(networks, networks_from_json);
  if (read) {
    contents.networks = *std::move(read);
  } else if (read.error().sys_errno() != ENOENT) {
    set_aside(networks, read.error(), log);
  }
  return contents;
}

Result<void> StateFiles::save(const Container& container) const {
  return replace_file(path(container.id), dump_json(to_json(container)), 0600);
}

void StateFiles::forget(const Container& container) const {
  ::unlink(path(container.id).c_str());
  if (container.log_path.empty()) return;
  ::unlink(container.log_path.c_str());
  for (int i = 1; i < log_files; ++i) ::unlink(str(container.log_path, ".", i).c_str());
}

Result<void> StateFiles::save(const std::vector<Network>& networks) const {
  Json list = Json::array();
  for (const Network& network : networks) list.push_back(to_json(network));
  return replace_file(folder_ + "/networks.json", dump_json({{"networks", std::move(list)}}), 0600);
}

}  // namespace hoplab::engine
