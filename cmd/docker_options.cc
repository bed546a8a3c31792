#include "cmd/docker_options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/engine/names.h"

namespace hoplab::cmd::docker {

namespace {

constexpr const char* volumes_folder = "/run/hoplab/docker/volumes";
constexpr int64_t least_memory = 6 << 20;  ///< docker's own.

constexpr std::array run_flags{
    FlagSpec{"detach", 'd', FlagKind::boolean, "",
             "Run container in background and print container ID"},
    FlagSpec{"interactive", 'i', FlagKind::boolean, "", "Keep STDIN open even if not attached"},
    FlagSpec{"tty", 't', FlagKind::boolean, "", "Allocate a pseudo-TTY"},
    FlagSpec{"rm", 0, FlagKind::boolean, "", "Automatically remove the container when it exits"},
    FlagSpec{"name", 0, FlagKind::value, "", "Assign a name to the container"},
    FlagSpec{"publish", 'p', FlagKind::value, "", "Publish a container's port(s) to the host"},
    FlagSpec{"env", 'e', FlagKind::value, "", "Set environment variables"},
    FlagSpec{"env-file", 0, FlagKind::value, "", "Read in a file of environment variables"},
    FlagSpec{"volume", 'v', FlagKind::value, "", "Bind mount a volume"},
    FlagSpec{"network", 0, FlagKind::value, "bridge", "Connect a container to a network"},
    FlagSpec{"net", 0, FlagKind::value, "", ""},
    FlagSpec{"network-alias", 0, FlagKind::value, "", "Add network-scoped alias for the container"},
    FlagSpec{"ip", 0, FlagKind::value, "", "IPv4 address (e.g., 172.30.100.104)"},
    FlagSpec{"hostname", 'h', FlagKind::value, "", "Container host name"},
    FlagSpec{"add-host", 0, FlagKind::value, "", "Add a custom host-to-IP mapping (host:ip)"},
    FlagSpec{"dns", 0, FlagKind::value, "", "Set custom DNS servers"},
    FlagSpec{"entrypoint", 0, FlagKind::value, "", "Overwrite the default ENTRYPOINT of the image"},
    FlagSpec{"workdir", 'w', FlagKind::value, "", "Working directory inside the container"},
    FlagSpec{"user", 'u', FlagKind::value, "", "User and group as numbers: <uid>[:<gid>]"},
    FlagSpec{"label", 'l', FlagKind::value, "", "Set meta data on a container"},
    FlagSpec{"restart", 0, FlagKind::value, "no", "Restart policy to apply when a container exits"},
    FlagSpec{"memory", 'm', FlagKind::value, "", "Memory limit"},
    FlagSpec{"cpus", 0, FlagKind::value, "", "Number of CPUs"},
    FlagSpec{"pids-limit", 0, FlagKind::number, "0", "Tune container pids limit"},
    FlagSpec{"cap-add", 0, FlagKind::value, "", "Add Linux capabilities"},
    FlagSpec{"cap-drop", 0, FlagKind::value, "", "Drop Linux capabilities"},
    FlagSpec{"privileged", 0, FlagKind::boolean, "", "Give extended privileges to this container"},
    FlagSpec{"read-only", 0, FlagKind::boolean, "",
             "Mount the container's root filesystem as read only"},
    FlagSpec{"pid", 0, FlagKind::value, "", "PID namespace to use: host"},
    FlagSpec{"detach-keys", 0, FlagKind::value, "", ""},
    FlagSpec{"sig-proxy", 0, FlagKind::boolean, "true", "Proxy received signals to the process"},
    FlagSpec{"pull", 0, FlagKind::value, "missing", ""},
};

Error invalid(std::string message) {
  return Error(ErrorCode::invalid, std::move(message));
}

template <typename Number>
bool read_number(std::string_view text, Number& value) {
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size();
}

struct Range {
  uint16_t first = 0;
  uint16_t last = 0;
  [[nodiscard]] int size() const { return last - first + 1; }
};

Result<Range> parse_range(std::string_view text, const char* what) {
  Range range;
  const size_t dash = text.find('-');
  if (!read_number(text.substr(0, dash), range.first) || range.first == 0) {
    return invalid(str("invalid ", what, ": ", text));
  }
  range.last = range.first;
  if (dash != std::string_view::npos &&
      (!read_number(text.substr(dash + 1), range.last) || range.last < range.first)) {
    return invalid(str("invalid ", what, ": ", text));
  }
  return range;
}

Result<void> read_user(std::string_view text, proc::SecuritySpec& security) {
  const size_t colon = text.find(':');
  uint32_t number = 0;
  if (!read_number(text.substr(0, colon), number)) {
    return invalid(str("user \"", text, "\": only numbers (UID[:GID]) are understood here"));
  }
  security.run_as_user = number;
  if (colon == std::string_view::npos) return {};
  if (!read_number(text.substr(colon + 1), number)) {
    return invalid(str("user \"", text, "\": only numbers (UID[:GID]) are understood here"));
  }
  security.run_as_group = number;
  return {};
}

Result<void> read_env(const Flags& flags, std::vector<proc::EnvVar>& env) {
  const auto add = [&](std::string_view text) -> Result<void> {
    HOP_TRY(auto parsed, parse_env(text));
    env.insert(env.end(), parsed.begin(), parsed.end());
    return {};
  };
  for (const std::string& path : flags.all("env-file")) {
    HOP_TRY(const std::string text, read_file(path, 1U << 20U));
    for (std::string_view line : split(text, '\n')) {
      line = trim(line);
      if (!line.empty() && line[0] != '#') HOP_CHECK(add(line));
    }
  }
  for (const std::string& text : flags.all("env")) HOP_CHECK(add(text));
  return {};
}

Result<void> read_network(const Flags& flags, engine::ContainerConfig& config) {
  config.network = flags.given("net") ? flags.get("net") : flags.get("network");
  if (config.network == "default") config.network = "bridge";
  config.aliases = flags.all("network-alias");
  config.dns = flags.all("dns");
  config.extra_hosts = flags.all("add-host");
  if (flags.given("ip")) {
    auto ip = Ipv4::parse(flags.get("ip"));
    if (!ip) return invalid("invalid IPv4 address: " + flags.get("ip"));
    config.ip = *ip;
  }
  for (const std::string& server : config.dns) {
    if (!Ipv4::parse(server)) return invalid(server + " is not an ip address");
  }
  for (const std::string& extra : config.extra_hosts) {
    const size_t colon = extra.find(':');
    if (colon == std::string::npos || colon == 0 || !Ipv4::parse(extra.substr(colon + 1))) {
      return invalid(str("bad format for add-host: \"", extra, "\""));
    }
  }
  for (const std::string& text : flags.all("publish")) {
    HOP_TRY(const auto ports, parse_port(text));
    config.ports.insert(config.ports.end(), ports.begin(), ports.end());
  }
  return {};
}

Result<void> read_limits(const Flags& flags, engine::ContainerConfig& config) {
  if (flags.given("memory")) {
    HOP_TRY(config.resources.memory_limit_bytes, parse_bytes(flags.get("memory")));
    if (config.resources.memory_limit_bytes < least_memory) {
      return invalid("Minimum memory limit allowed is 6MB");
    }
  }
  if (flags.given("cpus")) {
    HOP_TRY(config.resources.cpu_limit_millis, parse_cpus(flags.get("cpus")));
  }
  config.resources.pids_limit = std::max<int64_t>(0, flags.number("pids-limit"));
  return {};
}

Result<void> read_security(const Flags& flags, engine::ContainerConfig& config) {
  config.security.privileged = flags.on("privileged");
  config.security.read_only_root = flags.on("read-only");
  config.security.add_capabilities = flags.list("cap-add");
  config.security.drop_capabilities = flags.list("cap-drop");
  if (flags.given("user")) HOP_CHECK(read_user(flags.get("user"), config.security));
  if (flags.given("pid") && flags.get("pid") != "host") {
    return invalid("--pid: invalid PID mode: " + flags.get("pid"));
  }
  config.host_pid = flags.get("pid") == "host";
  return {};
}

}  // namespace

std::span<const FlagSpec> container_flags() {
  return run_flags;
}

Result<std::vector<engine::PublishedPort>> parse_port(std::string_view text) {
  std::string_view rest = text;
  engine::PublishedPort port;
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    const std::string protocol = to_lower(rest.substr(slash + 1));
    if (protocol != "tcp" && protocol != "udp") return invalid("invalid proto: " + protocol);
    port.protocol = protocol == "udp" ? 17 : 6;
    rest = rest.substr(0, slash);
  }
  const auto parts = split(rest, ':');
  if (parts.empty() || parts.size() > 3) {
    return invalid(str("invalid publish opts format: ", text));
  }
  HOP_TRY(const Range inside, parse_range(parts.back(), "containerPort"));
  Range outside{0, 0};
  if (parts.size() > 1 && !parts[parts.size() - 2].empty()) {
    HOP_TRY(outside, parse_range(parts[parts.size() - 2], "hostPort"));
    if (outside.size() != inside.size()) {
      return invalid(str("invalid ranges specified for container and host Ports: ", text));
    }
  }
  if (parts.size() == 3) {
    auto ip = Ipv4::parse(parts[0]);
    if (!ip) return invalid(str("invalid IP address: ", parts[0]));
    port.host_ip = *ip;
  }
  std::vector<engine::PublishedPort> out;
  for (int i = 0; i < inside.size(); ++i) {
    port.container_port = static_cast<uint16_t>(inside.first + i);
    port.host_port = outside.first == 0 ? uint16_t{0} : static_cast<uint16_t>(outside.first + i);
    out.push_back(port);
  }
  return out;
}

Result<proc::Mount> parse_volume(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) {
    return invalid(str("invalid volume specification: '", text, "' (expected SOURCE:TARGET[:ro])"));
  }
  proc::Mount mount;
  mount.source = parts[0];
  mount.target =
      parts[1].empty() ? "" : std::filesystem::path(parts[1]).lexically_normal().string();
  if (mount.target.empty() || mount.target[0] != '/') {
    return invalid(str("invalid volume specification: '", text,
                       "': invalid mount config for type \"bind\": invalid mount path: '",
                       mount.target, "' mount path must be absolute"));
  }
  if (parts.size() == 3) {
    if (parts[2] != "ro" && parts[2] != "rw") return invalid(str("invalid mode: ", parts[2]));
    mount.read_only = parts[2] == "ro";
  }
  if (mount.source.find('/') == std::string::npos && !mount.source.empty()) {
    HOP_CHECK(engine::check_name("volume", mount.source));
    mount.source = str(volumes_folder, "/", mount.source, "/_data");
  } else if (mount.source.empty() || mount.source[0] != '/') {
    return invalid(str("\"", mount.source,
                       "\" includes invalid characters for a local volume name. If you intended to "
                       "pass a host directory, use absolute path"));
  } else {
    mount.source = std::filesystem::path(mount.source).lexically_normal().string();
  }
  return mount;
}

Result<int64_t> parse_bytes(std::string_view text) {
  double number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit = to_lower(text.substr(static_cast<size_t>(end - text.data())));
  if (unit.ends_with("b")) unit.pop_back();
  if (unit.ends_with("i")) unit.pop_back();
  constexpr std::string_view units = "kmgt";
  const size_t power = unit.empty() ? 0 : units.find(unit) + 1;
  if (failed != std::errc() || unit.size() > 1 || (!unit.empty() && power == 0) ||
      !(number >= 0 && number <= 1e12)) {
    return invalid(str("invalid size: '", text, "'"));
  }
  const double bytes = number * std::pow(1024.0, static_cast<double>(power));
  if (bytes > 9e18) return invalid(str("invalid size: '", text, "'"));
  return static_cast<int64_t>(bytes);
}

Result<int64_t> parse_cpus(std::string_view text) {
  double number = 0;
  if (!read_number(text, number) || !(number >= 0) || number > 1e6) {
    return invalid(str("failed to parse ", text, " as a rational number"));
  }
  return static_cast<int64_t>(std::lround(number * 1000));
}

proc::Labels parse_labels(const std::vector<std::string>& texts) {
  proc::Labels labels;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    labels[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
  }
  return labels;
}

Result<std::vector<proc::EnvVar>> parse_env(std::string_view text) {
  const size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  if (name.empty()) return invalid(str("invalid environment variable: ", text));
  if (equals != std::string_view::npos) {
    return std::vector<proc::EnvVar>{{name, std::string(text.substr(equals + 1))}};
  }
  const char* own = std::getenv(name.c_str());
  if (own == nullptr) return std::vector<proc::EnvVar>();
  return std::vector<proc::EnvVar>{{name, own}};
}

Result<engine::ContainerConfig> read_container_config(const Flags& flags) {
  engine::ContainerConfig config;
  config.name = flags.get("name");
  config.image = flags.args()[0];
  config.command.assign(flags.args().begin() + 1, flags.args().end());
  if (const std::string own = flags.get("entrypoint"); !own.empty()) {
    config.entrypoint = {own};
  } else if (flags.given("entrypoint") && !config.command.empty()) {
    // An empty one clears the image's: the first argument is the program.
    config.entrypoint = {config.command.front()};
    config.command.erase(config.command.begin());
  }
  config.hostname = flags.get("hostname");
  config.working_dir = flags.get("workdir");
  config.tty = flags.on("tty");
  config.open_stdin = flags.on("interactive");
  config.stdin_once = config.open_stdin && !flags.on("detach");
  config.auto_remove = flags.on("rm");
  HOP_CHECK(read_env(flags, config.env));
  config.labels = parse_labels(flags.all("label"));
  for (const std::string& text : flags.all("volume")) {
    HOP_TRY(config.mounts.emplace_back(), parse_volume(text));
  }
  HOP_TRY(config.restart, engine::parse_restart(flags.get("restart")));
  if (config.auto_remove && config.restart.policy != engine::RestartPolicy::no) {
    return invalid("Conflicting options: --restart and --rm");
  }
  HOP_CHECK(read_network(flags, config));
  HOP_CHECK(read_limits(flags, config));
  HOP_CHECK(read_security(flags, config));
  return config;
}

}  // namespace hoplab::cmd::docker
