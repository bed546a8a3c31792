#include "runtime/proc/container_types.h"

#include <array>
#include <utility>

#include "runtime/base/json_fields.h"
#include "runtime/proc/container_fields.h"

namespace hoplab::proc {

namespace {

template <typename Enum, size_t Size>
using Names = std::array<std::pair<Enum, std::string_view>, Size>;

constexpr Names<ContainerState, 3> state_names{{
    {ContainerState::created, "created"},
    {ContainerState::running, "running"},
    {ContainerState::exited, "exited"},
}};
constexpr Names<ContainerEventKind, 3> event_names{{
    {ContainerEventKind::started, "started"},
    {ContainerEventKind::exited, "exited"},
    {ContainerEventKind::sandbox_stopped, "sandbox_stopped"},
}};

template <typename Enum, size_t Size>
std::string name_in(const Names<Enum, Size>& names, Enum value) {
  for (const auto& [known, name] : names) {
    if (known == value) return std::string(name);
  }
  return "unknown";
}

template <typename Enum, size_t Size>
bool find_in(const Names<Enum, Size>& names, std::string_view text, Enum& value) {
  for (const auto& [known, name] : names) {
    if (name == text) {
      value = known;
      return true;
    }
  }
  return false;
}

}  // namespace

// json_fields finds these by argument-dependent lookup.
static std::string enum_name(ContainerState value) {
  return name_in(state_names, value);
}
static bool enum_from_name(std::string_view text, ContainerState& value) {
  return find_in(state_names, text, value);
}
static std::string enum_name(ContainerEventKind value) {
  return name_in(event_names, value);
}
static bool enum_from_name(std::string_view text, ContainerEventKind& value) {
  return find_in(event_names, text, value);
}

template <typename Visitor>
void fields(Visitor& visit, PodSandboxSpec& value) {
  visit("id", value.id);
  visit("labels", value.labels);
  visit("hostname", value.hostname);
  visit("hostNetwork", value.host_network);
  visit("hostPID", value.host_pid);
  visit("hostIPC", value.host_ipc);
  visit("shareProcessNamespace", value.share_process_namespace);
  visit("firstContainerHolds", value.first_container_holds);
  visit("resolvConf", value.resolv_conf);
  visit("hosts", value.hosts);
}

template <typename Visitor>
void fields(Visitor& visit, SandboxStatus& value) {
  visit("spec", value.spec);
  visit("ready", value.ready);
  visit("pid", value.pid);
  visit("netnsPath", value.netns_path);
  visit("createdAt", value.created_at);
}

template <typename Visitor>
void fields(Visitor& visit, LogSpec& value) {
  visit("path", value.path);
  visit("maxBytes", value.max_bytes);
  visit("maxFiles", value.max_files);
}

template <typename Visitor>
void fields(Visitor& visit, ContainerSpec& value) {
  visit("id", value.id);
  visit("sandboxId", value.sandbox_id);
  visit("labels", value.labels);
  visit("image", value.image);
  visit("command", value.command);
  visit("args", value.args);
  visit("env", value.env);
  visit("workingDir", value.working_dir);
  visit("stdin", value.stdin_open);
  visit("stdinOnce", value.stdin_once);
  visit("tty", value.tty);
  visit("mounts", value.mounts);
  visit("security", value.security);
  visit("resources", value.resources);
  visit("log", value.log);
}

template <typename Visitor>
void fields(Visitor& visit, ContainerStatus& value) {
  visit("spec", value.spec);
  visit("state", value.state);
  visit("pid", value.pid);
  visit("exitCode", value.exit_code);
  visit("signal", value.signal);
  visit("oomKilled", value.oom_killed);
  visit("reason", value.reason);
  visit("message", value.message);
  visit("notes", value.notes);
  visit("createdAt", value.created_at);
  visit("startedAt", value.started_at);
  visit("finishedAt", value.finished_at);
}

template <typename Visitor>
void fields(Visitor& visit, ExecSpec& value) {
  visit("containerId", value.container_id);
  visit("command", value.command);
  visit("env", value.env);
  visit("workingDir", value.working_dir);
  visit("stdin", value.stdin_open);
  visit("tty", value.tty);
  visit("rows", value.rows);
  visit("columns", value.columns);
  visit("endWithClient", value.end_with_client);
  visit("detached", value.detached);
}

template <typename Visitor>
void fields(Visitor& visit, ExitStatus& value) {
  visit("exitCode", value.exit_code);
  visit("signal", value.signal);
  visit("message", value.message);
}

template <typename Visitor>
void fields(Visitor& visit, NodeContents& value) {
  visit("sandboxes", value.sandboxes);
  visit("containers", value.containers);
}

template <typename Visitor>
void fields(Visitor& visit, ContainerEvent& value) {
  visit("kind", value.kind);
  visit("sandboxId", value.sandbox_id);
  visit("containerId", value.container_id);
  visit("status", value.status);
}

Json to_json(const PodSandboxSpec& value) {
  return json_fields::write(value);
}
Json to_json(const SandboxStatus& value) {
  return json_fields::write(value);
}
Json to_json(const ContainerSpec& value) {
  return json_fields::write(value);
}
Json to_json(const ContainerStatus& value) {
  return json_fields::write(value);
}
Json to_json(const ExecSpec& value) {
  return json_fields::write(value);
}
Json to_json(const ExitStatus& value) {
  return json_fields::write(value);
}
Json to_json(const NodeContents& value) {
  return json_fields::write(value);
}
Json to_json(const ContainerEvent& value) {
  return json_fields::write(value);
}

Result<PodSandboxSpec> sandbox_spec_from_json(const Json& value) {
  return json_fields::read<PodSandboxSpec>(value);
}
Result<SandboxStatus> sandbox_status_from_json(const Json& value) {
  return json_fields::read<SandboxStatus>(value);
}
Result<ContainerSpec> container_spec_from_json(const Json& value) {
  return json_fields::read<ContainerSpec>(value);
}
Result<ContainerStatus> container_status_from_json(const Json& value) {
  return json_fields::read<ContainerStatus>(value);
}
Result<ExecSpec> exec_spec_from_json(const Json& value) {
  return json_fields::read<ExecSpec>(value);
}
Result<ExitStatus> exit_status_from_json(const Json& value) {
  return json_fields::read<ExitStatus>(value);
}
Result<NodeContents> node_contents_from_json(const Json& value) {
  return json_fields::read<NodeContents>(value);
}
Result<ContainerEvent> container_event_from_json(const Json& value) {
  return json_fields::read<ContainerEvent>(value);
}

}  // namespace hoplab::proc
