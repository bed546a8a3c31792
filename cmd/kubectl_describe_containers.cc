#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_output.h"

namespace hoplab::cmd::kubectl {

namespace {

std::string or_none(const std::string& text) {
  return text.empty() ? "<none>" : text;
}

std::string ports_text(const Json& ports, const char* field) {
  std::vector<std::string> out;
  for (size_t i = 0; ports.is_array() && i < ports.size(); ++i) {
    out.push_back(str(int_or(ports[i], field), "/", string_or(ports[i], "protocol", "TCP")));
  }
  return join(out, ", ");
}

void describe_port_lines(const Json& container, DescribeText& out) {
  const Json& ports = member(container, "ports");
  const std::string own = ports_text(ports, "containerPort");
  const std::string host = ports_text(ports, "hostPort");
  const char* plural = own.find(',') == std::string::npos ? "" : "s";
  out.line(2, "Port", plural, ":\t", or_none(own));
  out.line(2, "Host Port", plural, ":\t", or_none(host));
}

void describe_words(std::string_view title, const Json& texts, DescribeText& out) {
  if (!texts.is_array() || texts.empty()) return;
  out.line(2, title, ":");
  for (const Json& text : texts) {
    const std::string shown = go_text(text);  // The lines are views of it.
    for (std::string_view line : split(shown, '\n')) out.line(3, line);
    if (go_text(text).empty()) out.line(3, "");
  }
}

void describe_state(std::string_view title, const Json& state, DescribeText& out) {
  if (const Json& running = member(state, "running"); running.is_object()) {
    out.line(2, title, ":\tRunning");
    out.line(3, "Started:\t", long_time(member(running, "startedAt")));
    return;
  }
  const Json& ended = member(state, "terminated");
  if (!ended.is_object()) {
    out.line(2, title, ":\tWaiting");
    const std::string reason = string_or(member(state, "waiting"), "reason");
    if (!reason.empty()) out.line(3, "Reason:\t", reason);
    return;
  }
  out.line(2, title, ":\tTerminated");
  for (const auto& [shown, key] : {std::pair("Reason", "reason"), {"Message", "message"}}) {
    if (auto text = string_or(ended, key); !text.empty()) out.line(3, shown, ":\t", text);
  }
  out.line(3, "Exit Code:\t", int_or(ended, "exitCode"));
  if (int_or(ended, "signal") > 0) out.line(3, "Signal:\t", int_or(ended, "signal"));
  out.line(3, "Started:\t", long_time(member(ended, "startedAt")));
  out.line(3, "Finished:\t", long_time(member(ended, "finishedAt")));
}

void describe_status(const Json& status, DescribeText& out) {
  describe_state("State", member(status, "state"), out);
  if (member(member(status, "lastState"), "terminated").is_object()) {
    describe_state("Last State", member(status, "lastState"), out);
  }
  out.line(2, "Ready:\t", bool_or(status, "ready") ? "True" : "False");
  out.line(2, "Restart Count:\t", int_or(status, "restartCount"));
}

void describe_resources(const Json& container, DescribeText& out) {
  for (const auto& [shown, key] : {std::pair("Limits", "limits"), {"Requests", "requests"}}) {
    const Json& amounts = member(member(container, "resources"), key);
    if (!amounts.is_object() || amounts.empty()) continue;
    out.line(2, shown, ":");
    for (auto it = amounts.begin(); it != amounts.end(); ++it) {
      out.line(3, it.key(), ":\t", go_text(*it));
    }
  }
}

std::string probe_text(const Json& probe) {
  const std::string rest = str(" delay=", int_or(probe, "initialDelaySeconds"),
                               "s timeout=", int_or(probe, "timeoutSeconds"),
                               "s period=", int_or(probe, "periodSeconds"),
                               "s #success=", int_or(probe, "successThreshold"),
                               " #failure=", int_or(probe, "failureThreshold"));
  if (const Json& exec = member(probe, "exec"); exec.is_object()) {
    return "exec " + go_text(member(exec, "command")) + rest;
  }
  if (const Json& http = member(probe, "httpGet"); http.is_object()) {
    return str("http-get ", to_lower(string_or(http, "scheme", "HTTP")), "://",
               string_or(http, "host"), ":", go_text(member(http, "port")), string_or(http, "path"),
               rest);
  }
  if (const Json& tcp = member(probe, "tcpSocket"); tcp.is_object()) {
    return str("tcp-socket ", string_or(tcp, "host"), ":", go_text(member(tcp, "port")), rest);
  }
  return "unknown" + rest;
}

void describe_probes(const Json& container, DescribeText& out) {
  for (const auto& [shown, key] : {std::pair("Liveness", "livenessProbe"),
                                   {"Readiness", "readinessProbe"},
                                   {"Startup", "startupProbe"}}) {
    const Json& probe = member(container, key);
    if (probe.is_object()) out.line(2, shown, ":\t", probe_text(probe));
  }
}

void describe_env_sources(const Json& sources, DescribeText& out) {
  if (!sources.is_array() || sources.empty()) return;
  out.line(2, "Environment Variables from:");
  for (const Json& source : sources) {
    const bool map = member(source, "configMapRef").is_object();
    const Json& from = member(source, map ? "configMapRef" : "secretRef");
    const std::string prefix = string_or(source, "prefix");
    out.line(3, string_or(from, "name"), "\t", map ? "ConfigMap" : "Secret",
             prefix.empty() ? "" : " with prefix '" + prefix + "'",
             "\tOptional: ", bool_or(from, "optional") ? "true" : "false");
  }
}

/// The value of a downward variable where it is known from the pod's metadata.
std::string field_value(const Json& pod, const std::string& path) {
  if (path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid") {
    return go_text(at_path(pod, path));
  }
  return {};
}

std::string source_text(const Json& from, const Json& pod) {
  const char* optional = "\tOptional: ";
  if (const Json& field = member(from, "fieldRef"); field.is_object()) {
    const std::string path = string_or(field, "fieldPath");
    return str(field_value(pod, path), " (", string_or(field, "apiVersion", "v1"), ":", path, ")");
  }
  if (const Json& amount = member(from, "resourceFieldRef"); amount.is_object()) {
    return str(" (", string_or(amount, "resource"), ")");
  }
  if (const Json& secret = member(from, "secretKeyRef"); secret.is_object()) {
    return str("<set to the key '", string_or(secret, "key"), "' in secret '",
               string_or(secret, "name"), "'>", optional,
               bool_or(secret, "optional") ? "true" : "false");
  }
  const Json& map = member(from, "configMapKeyRef");
  return str("<set to the key '", string_or(map, "key"), "' of config map '",
             string_or(map, "name"), "'>", optional, bool_or(map, "optional") ? "true" : "false");
}

void describe_environment(const Json& container, const Json& pod, DescribeText& out) {
  describe_env_sources(member(container, "envFrom"), out);
  const Json& env = member(container, "env");
  const bool none = !env.is_array() || env.empty();
  out.line(2, "Environment:", none ? "\t<none>" : "");
  for (size_t i = 0; !none && i < env.size(); ++i) {
    const std::string name = string_or(env[i], "name");
    if (member(env[i], "valueFrom").is_object()) {
      out.line(3, name, ":\t", source_text(member(env[i], "valueFrom"), pod));
      continue;
    }
    const std::string value = string_or(env[i], "value");  // The lines are views of it.
    auto lines = split(value, '\n');
    out.line(3, name, ":\t", lines.empty() ? std::string_view() : lines[0]);
    for (size_t at = 1; at < lines.size(); ++at) out.line(3, "\t", lines[at]);
  }
}

void describe_mounts(const Json& container, DescribeText& out) {
  const Json& mounts = member(container, "volumeMounts");
  const bool none = !mounts.is_array() || mounts.empty();
  out.line(2, "Mounts:", none ? "\t<none>" : "");
  if (none) return;
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const Json& mount : mounts) {
    std::string flags = bool_or(mount, "readOnly") ? "ro" : "rw";
    if (auto path = string_or(mount, "subPath"); !path.empty()) flags += ",path=\"" + path + "\"";
    sorted.emplace_back(string_or(mount, "mountPath"),
                        str(" from ", string_or(mount, "name"), " (", flags, ")"));
  }
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [path, rest] : sorted) out.line(3, path, rest);
}

}  // namespace

void describe_containers(std::string_view title, const Json& pod, const std::string& list,
                         const Json& statuses, std::string_view space, DescribeText& out) {
  const Json& containers = member(member(pod, "spec"), list);
  if (!containers.is_array() || containers.empty()) {
    if (list == "containers") out.line(0, space, title, ": <none>");
    return;
  }
  out.line(0, space, title, ":");
  for (const Json& container : containers) {
    const std::string name = string_or(container, "name");
    Json status;
    for (size_t i = 0; statuses.is_array() && i < statuses.size(); ++i) {
      if (string_or(statuses[i], "name") == name) status = statuses[i];
    }
    const bool known = !status.is_null();
    out.line(1, space.empty() ? "" : " ", name, ":");
    if (known) out.line(2, "Container ID:\t", string_or(status, "containerID"));
    out.line(2, "Image:\t", string_or(container, "image"));
    if (known) out.line(2, "Image ID:\t", string_or(status, "imageID"));
    describe_port_lines(container, out);
    describe_words("Command", member(container, "command"), out);
    describe_words("Args", member(container, "args"), out);
    if (known) describe_status(status, out);
    describe_resources(container, out);
    describe_probes(container, out);
    describe_environment(container, pod, out);
    describe_mounts(container, out);
  }
}

}  // namespace hoplab::cmd::kubectl
