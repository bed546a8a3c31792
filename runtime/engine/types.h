#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/ip.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"

/// What the engine keeps about containers and networks, as values. All have a JSON form, which is
/// what the engine's state files and its socket carry; the readers name the field that is wrong.
namespace hoplab::engine {

/// `-p IP:HOST:CONTAINER/PROTOCOL`.
struct PublishedPort {
  Ipv4 host_ip;            ///< 0.0.0.0 = every address of the host.
  uint16_t host_port = 0;  ///< 0 = the engine chooses one when the container starts.
  uint16_t container_port = 0;
  uint8_t protocol = 6;  ///< IP protocol number: tcp or udp.
  auto operator<=>(const PublishedPort&) const = default;
};

/// "tcp", "udp".
std::string protocol_name(uint8_t number);

enum class RestartPolicy { no, on_failure, always, unless_stopped };
std::string_view to_string(RestartPolicy policy);
/// "no", "on-failure", "on-failure:5", "always", "unless-stopped".
struct Restart {
  RestartPolicy policy = RestartPolicy::no;
  int64_t most = 0;  ///< Of on-failure; 0 = no limit.
  bool operator==(const Restart&) const = default;
};
Result<Restart> parse_restart(std::string_view text);

/// What `docker create` says. Networks by name: "bridge" (docker0), "host", "none",
/// "container:NAME" or a network that was made.
struct ContainerConfig {
  std::string name;  ///< Empty = the engine makes one up.
  std::string image;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<proc::EnvVar> env;
  proc::Labels labels;
  std::string hostname;  ///< Empty = the first 12 digits of the id.
  std::string working_dir;
  bool tty = false;
  bool open_stdin = false;
  bool stdin_once = false;
  bool auto_remove = false;
  bool host_pid = false;
  std::string network = "bridge";
  std::optional<Ipv4> ip;  ///< Only on networks that were made.
  std::vector<std::string> aliases;
  std::vector<std::string> dns;
  std::vector<std::string> extra_hosts;  ///< "name:address"
  std::vector<PublishedPort> ports;
  std::vector<proc::Mount> mounts;
  proc::SecuritySpec security;
  proc::ResourceSpec resources;
  Restart restart;
  bool operator==(const ContainerConfig&) const = default;
};

/// A container's place in one network.
struct Endpoint {
  std::string network;       ///< Name.
  std::optional<Ipv4> wish;  ///< The address it is to have whenever the container runs.
  Ipv4 ip;
  Mac mac;
  std::string host_link;  ///< "veth…"; empty while the container does not run.
  std::string interface;  ///< "eth0", in the container.
  std::vector<std::string> aliases;
  bool operator==(const Endpoint&) const = default;
};

enum class State { created, running, exited };
std::string_view to_string(State state);

struct Container {
  std::string id;  ///< 64 hexadecimal digits.
  ContainerConfig config;
  std::string image_id;              ///< Of a loaded image, whatever its name becomes.
  std::vector<std::string> program;  ///< What runs, the image's words included.
  State state = State::created;
  int64_t pid = 0;  ///< As the host counts.
  int64_t exit_code = 0;
  bool oom_killed = false;
  std::string error;                                        ///< Why it could not start.
  int64_t created_at = 0, started_at = 0, finished_at = 0;  ///< Nanoseconds since 1970; 0 = never.
  std::vector<Endpoint> endpoints;                          ///< In order of attachment.
  int64_t interfaces = 0;                                   ///< How many it was given: eth0, …
  std::vector<PublishedPort> ports;                         ///< In force, while it runs.
  std::string sandbox_id;  ///< node-init's; another one for each start.
  std::string log_path;
  std::vector<std::string> notes;  ///< What could not be honoured.
  int64_t restarts = 0;
  bool stopped_by_user = false;  ///< By stop or kill: the restart policy rests.
  bool removing = false;
  bool operator==(const Container&) const = default;

  /// Its place in the network of that name; null when it has none.
  [[nodiscard]] const Endpoint* endpoint_on(std::string_view network) const;
};

struct Network {
  std::string id;  ///< 64 hexadecimal digits.
  std::string name;
  std::string driver = "bridge";  ///< "bridge", "host" or "null".
  Prefix subnet;                  ///< Of a bridge.
  Ipv4 gateway;                   ///< The bridge's own address.
  std::string bridge;             ///< "docker0", "br-…"
  bool internal = false;          ///< No way out.
  int64_t created_at = 0;
  proc::Labels labels;
  bool operator==(const Network&) const = default;

  [[nodiscard]] bool is_bridge() const { return driver == "bridge"; }
  [[nodiscard]] bool is_default() const { return name == "bridge"; }
};

Json to_json(const ContainerConfig& value);
Json to_json(const Container& value);
Json to_json(const Network& value);
Result<ContainerConfig> config_from_json(const Json& value);
Result<Container> container_from_json(const Json& value);
Result<Network> network_from_json(const Json& value);

}  // namespace hoplab::engine
