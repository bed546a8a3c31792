#include "cmd/docker_inspect.h"

#include <algorithm>
#include <iostream>

#include "cmd/docker_containers.h"
#include "cmd/docker_format.h"
#include "cmd/docker_host.h"
#include "runtime/base/text.h"
#include "runtime/engine/names.h"

namespace hoplab::cmd::docker {

namespace {

constexpr const char* no_time = "0001-01-01T00:00:00Z";

std::string time_text(int64_t nanoseconds) {
  return nanoseconds == 0 ? no_time : to_rfc3339_micro(wall_time(nanoseconds));
}

std::string port_key(const engine::PublishedPort& port) {
  return str(port.container_port, "/", engine::protocol_name(port.protocol));
}

Json port_bindings(const std::vector<engine::PublishedPort>& ports) {
  Json out = Json::object();
  for (const engine::PublishedPort& port : ports) {
    const std::string host = port.host_port == 0 ? "" : std::to_string(port.host_port);
    out[port_key(port)].push_back({{"HostIp", to_string(port.host_ip)}, {"HostPort", host}});
  }
  return out;
}

Json state_json(const engine::Container& container) {
  return {{"Status", std::string(engine::to_string(container.state))},
          {"Running", container.state == engine::State::running},
          {"Paused", false},
          {"Restarting", false},
          {"OOMKilled", container.oom_killed},
          {"Dead", false},
          {"Pid", container.pid},
          {"ExitCode", container.exit_code},
          {"Error", container.error},
          {"StartedAt", time_text(container.started_at)},
          {"FinishedAt", time_text(container.finished_at)}};
}

Json config_json(const engine::ContainerConfig& config, const std::string& id) {
  std::vector<std::string> env;
  for (const proc::EnvVar& each : config.env) env.push_back(str(each.name, "=", each.value));
  return {{"Hostname", config.hostname.empty() ? engine::short_id(id) : config.hostname},
          {"Tty", config.tty},
          {"OpenStdin", config.open_stdin},
          {"StdinOnce", config.stdin_once},
          {"Env", env},
          {"Cmd", config.command.empty() ? Json() : Json(config.command)},
          {"Entrypoint", config.entrypoint.empty() ? Json() : Json(config.entrypoint)},
          {"Image", config.image},
          {"WorkingDir", config.working_dir},
          {"Labels", config.labels}};
}

Json words_or_null(const std::vector<std::string>& list) {
  return list.empty() ? Json() : Json(list);
}

Json host_config_json(const engine::ContainerConfig& config) {
  std::vector<std::string> binds;
  for (const proc::Mount& mount : config.mounts) {
    binds.push_back(str(mount.source, ":", mount.target, mount.read_only ? ":ro" : ""));
  }
  return {
      {"Binds", words_or_null(binds)},
      {"NetworkMode", config.network == "bridge" ? "default" : config.network},
      {"PortBindings", port_bindings(config.ports)},
      {"RestartPolicy",
       {{"Name", std::string(engine::to_string(config.restart.policy))},
        {"MaximumRetryCount", config.restart.most}}},
      {"AutoRemove", config.auto_remove},
      {"Privileged", config.security.privileged},
      {"ReadonlyRootfs", config.security.read_only_root},
      {"CapAdd", words_or_null(config.security.add_capabilities)},
      {"CapDrop", words_or_null(config.security.drop_capabilities)},
      {"Dns", config.dns},
      {"ExtraHosts", words_or_null(config.extra_hosts)},
      {"PidMode", config.host_pid ? "host" : ""},
      {"Memory", config.resources.memory_limit_bytes},
      {"NanoCpus", config.resources.cpu_limit_millis * 1'000'000},
      {"PidsLimit", config.resources.pids_limit == 0 ? Json() : Json(config.resources.pids_limit)}};
}

const engine::Network* network_named(std::span<const engine::Network> networks,
                                     const std::string& name) {
  auto found = std::find_if(networks.begin(), networks.end(),
                            [&](const engine::Network& each) { return each.name == name; });
  return found == networks.end() ? nullptr : &*found;
}

Json endpoint_json(const engine::Endpoint& endpoint, const engine::Network* network) {
  const bool running = !endpoint.host_link.empty();
  const bool known = running && network != nullptr;
  return {{"Aliases", words_or_null(endpoint.aliases)},
          {"NetworkID", network == nullptr ? "" : network->id},
          {"Gateway", known ? to_string(network->gateway) : ""},
          {"IPAddress", running ? to_string(endpoint.ip) : ""},
          {"IPPrefixLen", known ? network->subnet.length() : 0},
          {"MacAddress", running ? to_string(endpoint.mac) : ""}};
}

Json network_settings_json(const engine::Container& container,
                           std::span<const engine::Network> networks) {
  Json all = Json::object();
  Json first = endpoint_json({}, nullptr);
  for (const engine::Endpoint& endpoint : container.endpoints) {
    const engine::Network* network = network_named(networks, endpoint.network);
    all[endpoint.network] = endpoint_json(endpoint, network);
    // The fields beside "Networks" are the default network's, and empty without it.
    if (network != nullptr && network->is_default()) first = all[endpoint.network];
  }
  return {{"SandboxKey", container.pid == 0 ? "" : str("/proc/", container.pid, "/ns/net")},
          {"Ports", port_bindings(container.ports)},
          {"Gateway", first["Gateway"]},
          {"IPAddress", first["IPAddress"]},
          {"IPPrefixLen", first["IPPrefixLen"]},
          {"MacAddress", first["MacAddress"]},
          {"Networks", std::move(all)}};
}

Json mounts_json(const std::vector<proc::Mount>& mounts) {
  Json out = Json::array();
  for (const proc::Mount& mount : mounts) {
    out.push_back({{"Type", "bind"},
                   {"Source", mount.source},
                   {"Destination", mount.target},
                   {"Mode", mount.read_only ? "ro" : ""},
                   {"RW", !mount.read_only}});
  }
  return out;
}

}  // namespace

Json inspect_json(const engine::Container& container, std::span<const engine::Network> networks) {
  const auto& program = container.program;
  const std::vector<std::string> args(program.empty() ? program.begin() : program.begin() + 1,
                                      program.end());
  return {{"Id", container.id},
          {"Created", time_text(container.created_at)},
          {"Path", program.empty() ? "" : program.front()},
          {"Args", args},
          {"State", state_json(container)},
          {"Image", container.config.image},
          {"LogPath", container.log_path},
          {"Name", "/" + container.config.name},
          {"RestartCount", container.restarts},
          {"Driver", "overlay2"},
          {"Platform", "linux"},
          {"HostConfig", host_config_json(container.config)},
          {"Mounts", mounts_json(container.config.mounts)},
          {"Config", config_json(container.config, container.id)},
          {"NetworkSettings", network_settings_json(container, networks)}};
}

Json inspect_json(const engine::Network& network, std::span<const engine::Container> containers) {
  Json users = Json::object();
  for (const engine::Container& container : containers) {
    for (const engine::Endpoint& endpoint : container.endpoints) {
      if (endpoint.network != network.name || endpoint.host_link.empty()) continue;
      users[container.id] = {
          {"Name", container.config.name},
          {"MacAddress", to_string(endpoint.mac)},
          {"IPv4Address", to_string(Prefix(endpoint.ip, network.subnet.length()))},
          {"IPv6Address", ""}};
    }
  }
  Json addresses = Json::array();
  Json options = Json::object();
  if (network.is_bridge()) {
    addresses.push_back(
        {{"Subnet", to_string(network.subnet)}, {"Gateway", to_string(network.gateway)}});
  }
  if (network.is_default()) options["com.docker.network.bridge.name"] = network.bridge;
  return {{"Name", network.name},
          {"Id", network.id},
          {"Created", time_text(network.created_at)},
          {"Scope", "local"},
          {"Driver", network.driver},
          {"EnableIPv6", false},
          {"IPAM", {{"Driver", "default"}, {"Options", nullptr}, {"Config", addresses}}},
          {"Internal", network.internal},
          {"Containers", std::move(users)},
          {"Options", std::move(options)},
          {"Labels", network.labels}};
}

Result<int> print_inspected(const Flags& flags,
                            const std::function<Result<Json>(const std::string& name)>& find) {
  Json found = Json::array();
  int code = exit_ok;
  std::vector<std::string> errors;
  for (const std::string& name : flags.args()) {
    auto one = find(name);
    if (one) {
      found.push_back(*std::move(one));
    } else {
      errors.push_back("Error: " + one.error().message());
      code = exit_failure;
    }
  }
  const std::string format = flags.get("format");
  if (format.empty()) {
    std::cout << dump_json_pretty(found) << "\n";
  } else {
    HOP_TRY(const kubectl::GoTemplate parsed, parse_format(format));
    for (const Json& each : found) {
      auto text = parsed.print(each);
      if (!text) return Error(ErrorCode::invalid, "template: " + text.error().message());
      std::cout << *text << "\n";
    }
  }
  std::cout.flush();
  for (const std::string& error : errors) std::cerr << error << "\n";
  return code;
}

namespace {

constexpr FlagSpec object_inspect_flags[] = {
    {"format", 'f', FlagKind::value, "", "Format output using a Go template"},
    {"size", 's', FlagKind::boolean, "", ""},
    {"type", 0, FlagKind::value, "", "Return JSON for the specified type: container, network"},
};

/// Whatever has the name: containers first, as docker looks.
Result<int> run_object_inspect(Session& session) {
  const std::string type = session.flags.get("type");
  std::vector<engine::Network> networks;
  std::vector<engine::Container> containers;
  if (auto engine = running_engine()) {
    HOP_TRY(networks, engine->list_networks());
    HOP_TRY(containers, engine->list());
  }
  return print_inspected(session.flags, [&](const std::string& name) -> Result<Json> {
    if (type.empty() || type == "container") {
      auto shown = find_container(name);
      if (shown) return inspect_json(shown->container, networks);
      if (type == "container") return std::move(shown).error();
    }
    for (const engine::Network& network : networks) {
      if (network.name == name || network.id.starts_with(name)) {
        return inspect_json(network, containers);
      }
    }
    return Error(ErrorCode::not_found, "No such object: " + name);
  });
}

constexpr std::string_view inspect_aliases[] = {"container inspect"};

}  // namespace

extern const Verb inspect_verb;
const Verb inspect_verb{"inspect",
                        "inspect [OPTIONS] NAME|ID [NAME|ID...]",
                        "Return low-level information on containers and networks",
                        "  docker inspect red\n"
                        "  docker inspect -f '{{.State.Pid}} {{.NetworkSettings.IPAddress}}' red\n",
                        object_inspect_flags,
                        1,
                        1000,
                        run_object_inspect,
                        inspect_aliases,
                        false,
                        true};

}  // namespace hoplab::cmd::docker
