#include "cmd/docker_containers.h"

#include <algorithm>

#include "cmd/docker_format.h"
#include "cmd/docker_host.h"
#include "runtime/agent/container_spec.h"
#include "runtime/base/text.h"
#include "runtime/engine/names.h"
#include "runtime/image/digest.h"
#include "runtime/proc/container_client.h"

namespace hoplab::cmd::docker {

namespace {

constexpr const char* pause_image = "k8s.gcr.io/pause:3.5";

/// node-init's ids of pods have other forms than docker's; one follows from the other for good.
std::string docker_id(const std::string& node_id) {
  return std::string(image::digest_of(node_id).hex());
}

std::string pod_words(const proc::Labels& labels) {
  namespace keys = agent::labels;
  return str(agent::labels::get(labels, keys::pod_name), "_",
             agent::labels::get(labels, keys::pod_namespace), "_",
             agent::labels::get(labels, keys::pod_uid));
}

ShownContainer shown_pause(const proc::SandboxStatus& sandbox) {
  ShownContainer shown{{}, "", true};
  engine::Container& container = shown.container;
  container.id = docker_id(sandbox.spec.id);
  container.config.name = str("k8s_POD_", pod_words(sandbox.spec.labels), "_0");
  container.config.image = pause_image;
  container.config.labels = sandbox.spec.labels;
  container.config.hostname = sandbox.spec.hostname;
  container.config.network = sandbox.spec.host_network ? "host" : "none";
  container.program = {"/pause"};
  container.state = sandbox.ready ? engine::State::running : engine::State::exited;
  container.pid = sandbox.pid;
  container.created_at = container.started_at = sandbox.created_at;
  return shown;
}

ShownContainer shown_container(const proc::ContainerStatus& status) {
  namespace keys = agent::labels;
  ShownContainer shown{{}, status.spec.id, true};
  engine::Container& container = shown.container;
  const proc::Labels& labels = status.spec.labels;
  const std::string restarts = agent::labels::get(labels, keys::restart_count);
  container.id = docker_id(status.spec.id);
  container.config.name = str("k8s_", agent::labels::get(labels, keys::container_name), "_",
                              pod_words(labels), "_", restarts.empty() ? "0" : restarts);
  container.config.image = status.spec.image;
  container.config.labels = labels;
  container.config.tty = status.spec.tty;
  container.config.open_stdin = status.spec.stdin_open;
  container.config.network = "container:" + docker_id(status.spec.sandbox_id);
  container.config.env = status.spec.env;
  container.config.mounts = status.spec.mounts;
  container.program = status.spec.command;
  container.program.insert(container.program.end(), status.spec.args.begin(),
                           status.spec.args.end());
  container.state = status.state == proc::ContainerState::running  ? engine::State::running
                    : status.state == proc::ContainerState::exited ? engine::State::exited
                                                                   : engine::State::created;
  container.pid = status.pid;
  container.exit_code = status.exit_code;
  container.oom_killed = status.oom_killed;
  container.error = status.message;
  container.created_at = status.created_at;
  container.started_at = status.started_at;
  container.finished_at = status.finished_at;
  container.log_path = status.spec.log.path;
  return shown;
}

}  // namespace

std::vector<ShownContainer> pod_containers(const proc::NodeContents& contents) {
  std::vector<ShownContainer> out;
  for (const auto& sandbox : contents.sandboxes) {
    if (!agent::labels::get(sandbox.spec.labels, agent::labels::pod_uid).empty()) {
      out.push_back(shown_pause(sandbox));
    }
  }
  for (const auto& status : contents.containers) {
    if (!agent::labels::get(status.spec.labels, agent::labels::pod_uid).empty()) {
      out.push_back(shown_container(status));
    }
  }
  return out;
}

Result<std::vector<ShownContainer>> all_containers() {
  HOP_TRY(auto node, proc::ContainerClient::connect());
  HOP_TRY(const proc::NodeContents contents, node->list());
  std::vector<ShownContainer> out = pod_containers(contents);
  // Without an engine there is nothing of one, and looking needs none.
  if (auto engine = running_engine()) {
    HOP_TRY(std::vector<engine::Container> containers, engine->list());
    for (engine::Container& container : containers) {
      std::string id = container.id;
      out.push_back({std::move(container), std::move(id), false});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const ShownContainer& a, const ShownContainer& b) {
    return a.container.created_at > b.container.created_at;
  });
  return out;
}

Result<ShownContainer> find_container(const std::string& name) {
  HOP_TRY(std::vector<ShownContainer> all, all_containers());
  const std::string_view bare =
      name.starts_with('/') ? std::string_view(name).substr(1) : std::string_view(name);
  const auto match = engine::find_by_name(
      all, bare,
      [](const ShownContainer& each) -> const auto& { return each.container.config.name; },
      [](const ShownContainer& each) -> const auto& { return each.container.id; });
  if (match.ambiguous) {
    return Error(ErrorCode::invalid, "Multiple IDs found with provided prefix: " + name);
  }
  if (match.found == nullptr) return Error(ErrorCode::not_found, "No such container: " + name);
  return std::move(*match.found);
}

Result<ShownContainer> find_running(const std::string& name) {
  HOP_TRY(ShownContainer shown, find_container(name));
  if (shown.container.state == engine::State::running) return shown;
  return Error(ErrorCode::conflict, str("Container ", shown.container.id, " is not running"));
}

WallTime wall_time(int64_t nanoseconds) {
  return WallTime(std::chrono::nanoseconds(nanoseconds));
}

std::string status_text(const engine::Container& container, WallTime now) {
  const auto since = [now](int64_t then) {
    return human_duration(std::chrono::duration_cast<std::chrono::seconds>(now - wall_time(then)));
  };
  switch (container.state) {
    case engine::State::created:
      return "Created";
    case engine::State::running:
      return "Up " + since(container.started_at);
    case engine::State::exited:
      break;
  }
  return str("Exited (", container.exit_code, ") ", since(container.finished_at), " ago");
}

std::string ports_text(const engine::Container& container) {
  std::vector<std::string> out;
  for (const engine::PublishedPort& port : container.ports) {
    out.push_back(str(to_string(port.host_ip), ":", port.host_port, "->", port.container_port, "/",
                      engine::protocol_name(port.protocol)));
  }
  return join(out, ", ");
}

}  // namespace hoplab::cmd::docker
