#include "runtime/engine/types.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/base/json_fields.h"
#include "runtime/proc/container_fields.h"

namespace hoplab::engine {

namespace {

constexpr std::array<std::string_view, 4> policy_names{"no", "on-failure", "always",
                                                       "unless-stopped"};
constexpr std::array<std::string_view, 3> state_names{"created", "running", "exited"};

template <typename Enum, size_t Size>
bool find_in(const std::array<std::string_view, Size>& names, std::string_view text, Enum& value) {
  for (size_t i = 0; i < Size; ++i) {
    if (names[i] != text) continue;
    value = static_cast<Enum>(i);
    return true;
  }
  return false;
}

}  // namespace

std::string protocol_name(uint8_t number) {
  return number == 17 ? "udp" : "tcp";
}

std::string_view to_string(RestartPolicy policy) {
  return policy_names[static_cast<size_t>(policy)];
}

std::string_view to_string(State state) {
  return state_names[static_cast<size_t>(state)];
}

const Endpoint* Container::endpoint_on(std::string_view network) const {
  auto found = std::find_if(endpoints.begin(), endpoints.end(),
                            [&](const Endpoint& each) { return each.network == network; });
  return found == endpoints.end() ? nullptr : &*found;
}

Result<Restart> parse_restart(std::string_view text) {
  Restart restart;
  std::string_view name = text.substr(0, text.find(':'));
  if (!find_in(policy_names, name, restart.policy)) {
    return Error(ErrorCode::invalid, "invalid restart policy '" + std::string(text) + "'");
  }
  if (name.size() == text.size()) return restart;
  std::string_view count = text.substr(name.size() + 1);
  auto [end, failed] = std::from_chars(count.data(), count.data() + count.size(), restart.most);
  if (restart.policy != RestartPolicy::on_failure) {
    return Error(ErrorCode::invalid, "maximum retry count cannot be used with restart policy '" +
                                         std::string(name) + "'");
  }
  if (failed != std::errc() || end != count.data() + count.size() || restart.most < 0) {
    return Error(ErrorCode::invalid, "maximum retry count must be an integer");
  }
  return restart;
}

// json_fields finds these by argument-dependent lookup.
static std::string enum_name(RestartPolicy value) {
  return std::string(to_string(value));
}
static bool enum_from_name(std::string_view text, RestartPolicy& value) {
  return find_in(policy_names, text, value);
}
static std::string enum_name(State value) {
  return std::string(to_string(value));
}
static bool enum_from_name(std::string_view text, State& value) {
  return find_in(state_names, text, value);
}

template <typename Visitor>
void fields(Visitor& visit, PublishedPort& value) {
  visit("hostIp", value.host_ip);
  visit("hostPort", value.host_port);
  visit("containerPort", value.container_port);
  visit("protocol", value.protocol);
}

template <typename Visitor>
void fields(Visitor& visit, Restart& value) {
  visit("policy", value.policy);
  visit("most", value.most);
}

template <typename Visitor>
void fields(Visitor& visit, ContainerConfig& value) {
  visit("name", value.name);
  visit("image", value.image);
  visit("entrypoint", value.entrypoint);
  visit("command", value.command);
  visit("env", value.env);
  visit("labels", value.labels);
  visit("hostname", value.hostname);
  visit("workingDir", value.working_dir);
  visit("tty", value.tty);
  visit("openStdin", value.open_stdin);
  visit("stdinOnce", value.stdin_once);
  visit("autoRemove", value.auto_remove);
  visit("hostPid", value.host_pid);
  visit("network", value.network);
  visit("ip", value.ip);
  visit("aliases", value.aliases);
  visit("dns", value.dns);
  visit("extraHosts", value.extra_hosts);
  visit("ports", value.ports);
  visit("mounts", value.mounts);
  visit("security", value.security);
  visit("resources", value.resources);
  visit("restart", value.restart);
}

template <typename Visitor>
void fields(Visitor& visit, Endpoint& value) {
  visit("network", value.network);
  visit("wish", value.wish);
  visit("ip", value.ip);
  visit("mac", value.mac);
  visit("hostLink", value.host_link);
  visit("interface", value.interface);
  visit("aliases", value.aliases);
}

template <typename Visitor>
void fields(Visitor& visit, Container& value) {
  visit("id", value.id);
  visit("config", value.config);
  visit("imageId", value.image_id);
  visit("program", value.program);
  visit("state", value.state);
  visit("pid", value.pid);
  visit("exitCode", value.exit_code);
  visit("oomKilled", value.oom_killed);
  visit("error", value.error);
  visit("createdAt", value.created_at);
  visit("startedAt", value.started_at);
  visit("finishedAt", value.finished_at);
  visit("endpoints", value.endpoints);
  visit("interfaces", value.interfaces);
  visit("ports", value.ports);
  visit("sandboxId", value.sandbox_id);
  visit("logPath", value.log_path);
  visit("notes", value.notes);
  visit("restarts", value.restarts);
  visit("stoppedByUser", value.stopped_by_user);
  visit("removing", value.removing);
}

template <typename Visitor>
void fields(Visitor& visit, Network& value) {
  visit("id", value.id);
  visit("name", value.name);
  visit("driver", value.driver);
  visit("subnet", value.subnet);
  visit("gateway", value.gateway);
  visit("bridge", value.bridge);
  visit("internal", value.internal);
  visit("createdAt", value.created_at);
  visit("labels", value.labels);
}

Json to_json(const ContainerConfig& value) {
  return json_fields::write(value);
}
Json to_json(const Container& value) {
  return json_fields::write(value);
}
Json to_json(const Network& value) {
  return json_fields::write(value);
}
Result<ContainerConfig> config_from_json(const Json& value) {
  return json_fields::read<ContainerConfig>(value);
}
Result<Container> container_from_json(const Json& value) {
  return json_fields::read<Container>(value);
}
Result<Network> network_from_json(const Json& value) {
  return json_fields::read<Network>(value);
}

}  // namespace hoplab::engine
