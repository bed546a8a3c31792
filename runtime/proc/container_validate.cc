// The rules for specs beyond their types; see container_types.h.

#include "runtime/base/text.h"
#include "runtime/proc/container_types.h"

namespace hoplab::proc {

namespace {

constexpr size_t max_id = 80;
constexpr size_t max_hostname = 63;
constexpr size_t max_path = 4000;

Error invalid(const std::string& field, std::string_view why) {
  return Error(ErrorCode::invalid, str(field, ": ", why));
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<void> check_id(const std::string& field, const std::string& id) {
  bool good = !id.empty() && id.size() <= max_id && is_alphanumeric(id[0]);
  for (char c : id) good = good && (is_alphanumeric(c) || c == '.' || c == '_' || c == '-');
  if (!good) return invalid(field, str("\"", id, "\" is no id: 1 to 80 of [a-zA-Z0-9._-]"));
  return {};
}

Result<void> check_text(const std::string& field, const std::string& text) {
  if (text.find('\0') != std::string::npos) return invalid(field, "contains a NUL byte");
  return {};
}

Result<void> check_path(const std::string& field, const std::string& path) {
  HOP_CHECK(check_text(field, path));
  if (path.empty() || path[0] != '/') return invalid(field, "must be an absolute path");
  if (path.size() > max_path) return invalid(field, "is longer than 4000 bytes");
  for (std::string_view part : split(path, '/')) {
    if (part == "..") return invalid(field, "must not contain \"..\"");
  }
  return {};
}

Result<void> check_words(const std::string& field, const std::vector<std::string>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    HOP_CHECK(check_text(str(field, "[", i, "]"), values[i]));
  }
  return {};
}

Result<void> check_env(const std::vector<EnvVar>& env) {
  for (size_t i = 0; i < env.size(); ++i) {
    std::string field = str("env[", i, "]");
    if (env[i].name.empty() || env[i].name.find('=') != std::string::npos) {
      return invalid(field + ".name", "must not be empty or contain \"=\"");
    }
    HOP_CHECK(check_text(field + ".name", env[i].name));
    HOP_CHECK(check_text(field + ".value", env[i].value));
  }
  return {};
}

Result<void> check_mount(const std::string& field, const Mount& mount) {
  HOP_CHECK(check_path(field + ".source", mount.source));
  HOP_CHECK(check_path(field + ".target", mount.target));
  auto parts = split(mount.target, '/');
  std::vector<std::string_view> named;
  for (std::string_view part : parts) {
    if (!part.empty() && part != ".") named.push_back(part);
  }
  if (named.empty()) return invalid(field + ".target", "must not be the root directory");
  if (named[0] == "proc") {
    return invalid(field + ".target", "must not be inside /proc");
  }
  return {};
}

Result<void> check_not_negative(const std::string& field, int64_t value) {
  if (value < 0) return invalid(field, "must not be negative");
  return {};
}

}  // namespace

Result<void> validate(const PodSandboxSpec& spec) {
  HOP_CHECK(check_id("id", spec.id));
  HOP_CHECK(check_text("hostname", spec.hostname));
  if (spec.hostname.size() > max_hostname) {
    return invalid("hostname", "is longer than 63 bytes, the most Kubernetes and DNS allow");
  }
  if (spec.host_pid && spec.share_process_namespace) {
    return invalid("shareProcessNamespace", "cannot be combined with hostPID");
  }
  return {};
}

Result<void> validate(const ContainerSpec& spec) {
  HOP_CHECK(check_id("id", spec.id));
  HOP_CHECK(check_id("sandboxId", spec.sandbox_id));
  if (spec.image.empty()) return invalid("image", "must not be empty");
  HOP_CHECK(check_words("command", spec.command));
  HOP_CHECK(check_words("args", spec.args));
  HOP_CHECK(check_env(spec.env));
  if (!spec.working_dir.empty()) HOP_CHECK(check_path("workingDir", spec.working_dir));
  for (size_t i = 0; i < spec.mounts.size(); ++i) {
    HOP_CHECK(check_mount(str("mounts[", i, "]"), spec.mounts[i]));
  }
  if (!spec.log.path.empty()) HOP_CHECK(check_path("log.path", spec.log.path));
  HOP_CHECK(check_not_negative("log.maxBytes", spec.log.max_bytes));
  HOP_CHECK(check_not_negative("log.maxFiles", spec.log.max_files));
  HOP_CHECK(check_not_negative("resources.memoryLimitBytes", spec.resources.memory_limit_bytes));
  HOP_CHECK(check_not_negative("resources.cpuLimitMillis", spec.resources.cpu_limit_millis));
  HOP_CHECK(check_not_negative("resources.pidsLimit", spec.resources.pids_limit));
  return {};
}

Result<void> validate(const ExecSpec& spec) {
  HOP_CHECK(check_id("containerId", spec.container_id));
  if (spec.command.empty()) return invalid("command", "must not be empty");
  HOP_CHECK(check_words("command", spec.command));
  HOP_CHECK(check_env(spec.env));
  if (!spec.working_dir.empty()) HOP_CHECK(check_path("workingDir", spec.working_dir));
  return {};
}

}  // namespace hoplab::proc
