#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

/// What the agent and node-init tell each other about pods and containers, as values. All have
/// defaulted comparison and a JSON form (`to_json`, `..._from_json`), which is what travels over
/// /run/hoplab/node.sock. Times are nanoseconds since 1970 (0 = not yet).
namespace hoplab::proc {

using Labels = std::map<std::string, std::string>;

/// A pod sandbox: a pause process that holds the pod's namespaces (the CRI's RunPodSandbox).
struct PodSandboxSpec {
  std::string id;        ///< Chosen by the caller: 1 to 80 of [a-zA-Z0-9._-], first alphanumeric.
  Labels labels;         ///< Kept and given back by list(): pod name, namespace, uid, whatever.
  std::string hostname;  ///< At most 63 bytes; ignored with host_network (the node's name stays).
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  bool share_process_namespace = false;  ///< Containers see each other; pause is pid 1.
  /// A container without a pod, as Docker's: once the first container runs, pause is gone. From
  /// then on the namespaces are that container's, and the sandbox stops with it. Others may join.
  bool first_container_holds = false;
  std::string resolv_conf;  ///< Text of /etc/resolv.conf; empty = the node's own file.
  std::string hosts;        ///< Text of /etc/hosts; empty = localhost and the hostname.
  bool operator==(const PodSandboxSpec&) const = default;
};

struct SandboxStatus {
  PodSandboxSpec spec;
  bool ready = false;      ///< The pause process lives.
  pid_t pid = 0;           ///< pause (or what took its place), as the node's pid namespace counts.
  std::string netns_path;  ///< "/proc/PID/ns/net", to be opened on the node.
  int64_t created_at = 0;
  bool operator==(const SandboxStatus&) const = default;
};

/// A directory or file of the node that a container sees (hostPath, emptyDir, projected files).
struct Mount {
  std::string source;  ///< Absolute path on the node; must exist when the container starts.
  std::string target;  ///< Absolute path in the container; made when missing.
  bool read_only = false;
  /// The source was resolved before: a link on its way now was put there meanwhile, and the mount
  /// is refused.
  bool no_links = false;
  bool operator==(const Mount&) const = default;
};

struct EnvVar {
  std::string name;
  std::string value;
  bool operator==(const EnvVar&) const = default;
};

struct SecuritySpec {
  bool privileged = false;
  bool read_only_root = false;
  bool no_new_privileges = false;             ///< allowPrivilegeEscalation: false.
  std::vector<std::string> add_capabilities;  ///< "NET_ADMIN", "CAP_NET_ADMIN" or "ALL".
  std::vector<std::string> drop_capabilities;
  std::optional<uint32_t> run_as_user;
  std::optional<uint32_t> run_as_group;
  std::vector<uint32_t> supplemental_groups;
  bool operator==(const SecuritySpec&) const = default;
};

/// 0 = no limit.
struct ResourceSpec {
  int64_t memory_limit_bytes = 0;
  int64_t cpu_limit_millis = 0;
  int64_t pids_limit = 0;
  bool operator==(const ResourceSpec&) const = default;
};

/// Where node-init writes the container's output, in the CRI's format (log_format.h).
struct LogSpec {
  std::string path;  ///< Empty = output is kept nowhere (attach still sees it).
  int64_t max_bytes = 10 << 20;
  int64_t max_files = 5;  ///< The file itself and PATH.1 (newest) to PATH.(max_files - 1).
  bool operator==(const LogSpec&) const = default;
};

struct ContainerSpec {
  std::string id;  ///< Same rule as PodSandboxSpec::id.
  std::string sandbox_id;
  Labels labels;
  std::string image;                 ///< As written in the pod; resolved by image.h.
  std::vector<std::string> command;  ///< Replaces the image's entrypoint (and drops its cmd).
  std::vector<std::string> args;     ///< Replaces the image's cmd.
  std::vector<EnvVar> env;           ///< After the image's own; a later one of a name wins.
  std::string working_dir;           ///< Empty = the image's.
  bool stdin_open = false;
  bool stdin_once = false;  ///< Standard input ends when the first attached client closes it.
  bool tty = false;
  std::vector<Mount> mounts;
  SecuritySpec security;
  ResourceSpec resources;
  LogSpec log;
  bool operator==(const ContainerSpec&) const = default;
};

enum class ContainerState { created, running, exited };

struct ContainerStatus {
  ContainerSpec spec;
  ContainerState state = ContainerState::created;
  pid_t pid = 0;      ///< As the node counts; 0 unless running.
  int exit_code = 0;  ///< Of an exited one; 128 + signal when killed by a signal.
  int signal = 0;     ///< The signal that killed it, or 0.
  bool oom_killed = false;
  std::string
      reason;  ///< Kubernetes' word: "Completed", "Error", "OOMKilled", "ContainerCannotRun".
  std::string message;             ///< Why it could not start, for people.
  std::vector<std::string> notes;  ///< What could not be honoured: "memory limit: no cgroup …".
  int64_t created_at = 0;
  int64_t started_at = 0;
  int64_t finished_at = 0;
  bool operator==(const ContainerStatus&) const = default;
};

/// A further process in a running container (exec, probes).
struct ExecSpec {
  std::string container_id;
  std::vector<std::string> command;
  std::vector<EnvVar> env;  ///< In addition to the container's.
  std::string working_dir;  ///< Empty = the container's.
  bool stdin_open = false;
  bool tty = false;   ///< One pty for all three streams.
  uint16_t rows = 0;  ///< Window size of the pty at the start; 0 = 24 x 80.
  uint16_t columns = 0;
  bool end_with_client = false;  ///< Killed when the client goes (probes that took too long).
  bool detached = false;         ///< Its streams are /dev/null: it outlives the client.
  bool operator==(const ExecSpec&) const = default;
};

struct ExitStatus {
  int exit_code = 0;    ///< 128 + signal when killed by a signal.
  int signal = 0;       ///< 0 unless killed by a signal.
  std::string message;  ///< Non-empty when the program could not be started (exit code 126-128).
  bool operator==(const ExitStatus&) const = default;
};

struct NodeContents {
  std::vector<SandboxStatus> sandboxes;  ///< In order of creation.
  std::vector<ContainerStatus> containers;
  bool operator==(const NodeContents&) const = default;
};

enum class ContainerEventKind { started, exited, sandbox_stopped };

struct ContainerEvent {
  ContainerEventKind kind = ContainerEventKind::started;
  std::string sandbox_id;
  std::string container_id;  ///< Empty for sandbox_stopped.
  ContainerStatus status;    ///< Of the container, after the event.
  bool operator==(const ContainerEvent&) const = default;
};

Json to_json(const PodSandboxSpec& value);
Json to_json(const SandboxStatus& value);
Json to_json(const ContainerSpec& value);
Json to_json(const ContainerStatus& value);
Json to_json(const ExecSpec& value);
Json to_json(const ExitStatus& value);
Json to_json(const NodeContents& value);
Json to_json(const ContainerEvent& value);

/// The readers below check types and ranges, and name the offending field ("mounts[0].target:
/// expected a string, got a number"). Missing fields get their defaults, unknown ones are ignored.
Result<PodSandboxSpec> sandbox_spec_from_json(const Json& value);
Result<SandboxStatus> sandbox_status_from_json(const Json& value);
Result<ContainerSpec> container_spec_from_json(const Json& value);
Result<ContainerStatus> container_status_from_json(const Json& value);
Result<ExecSpec> exec_spec_from_json(const Json& value);
Result<ExitStatus> exit_status_from_json(const Json& value);
Result<NodeContents> node_contents_from_json(const Json& value);
Result<ContainerEvent> container_event_from_json(const Json& value);

/// Rules beyond types, checked by node-init before it touches anything: ids, absolute paths
/// without "..", no NUL bytes, environment names, lengths. The error names the field.
Result<void> validate(const PodSandboxSpec& spec);
Result<void> validate(const ContainerSpec& spec);
Result<void> validate(const ExecSpec& spec);

}  // namespace hoplab::proc
