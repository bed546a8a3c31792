#include "runtime/agent/probe.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

/// Days are as good as years; poll(2) counts milliseconds in an int.
Millis seconds_or(const Json& action, const char* field, int64_t fallback) {
  return std::chrono::seconds(std::clamp<int64_t>(int_or(action, field, fallback), 0, 1'000'000));
}

Result<uint16_t> port_of(const Json& port, const Json& ports) {
  if (port.is_number_integer()) return static_cast<uint16_t>(port.get<int64_t>());
  for (const Json& candidate : ports) {
    if (port.is_string() && string_or(candidate, "name") == port.get<std::string>()) {
      return static_cast<uint16_t>(int_or(candidate, "containerPort"));
    }
  }
  return Error(ErrorCode::invalid, "couldn't find port: " + dump_json(port));
}

/// What connect(2) answered, as Go's net.Dial says it.
Error dial_error(std::string_view host, uint16_t port, int failure) {
  return {ErrorCode::unavailable,
          str("dial tcp ", host, ":", port,
              ": connect: ", to_lower(std::strerror(failure)))};  // NOLINT: glibc's is safe
}

Result<void> connect_tcp(Ipv4 ip, uint16_t port, Millis timeout) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = ip.network_order();
  const std::string host = to_string(ip);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return {};
  }
  if (errno != EINPROGRESS) return dial_error(host, port, errno);
  pollfd waiting{socket.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0) {
    return Error(ErrorCode::timed_out, str("dial tcp ", host, ":", port, ": i/o timeout"));
  }
  int failure = 0;
  socklen_t size = sizeof failure;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) return dial_error(host, port, failure);
  return {};
}

Result<void> run_http(const Probe& probe, const Json& get, const HttpProber& http) {
  HttpProbeRequest request;
  request.host = string_or(get, "host", to_string(probe.pod_ip));
  HOP_TRY(request.port, port_of(member(get, "port"), probe.ports));
  request.path = string_or(get, "path", "/");
  request.tls = string_or(get, "scheme", "HTTP") == "HTTPS";
  request.timeout = probe.timeout;
  for (const Json& header : member(get, "httpHeaders")) {
    request.headers.emplace_back(string_or(header, "name"), string_or(header, "value"));
  }
  auto status = http(request);
  if (!status) return as_go_says(request, status.error());
  if (*status >= 200 && *status < 400) return {};
  return Error(ErrorCode::unavailable, str("HTTP probe failed with statuscode: ", *status));
}

/// What a command that ended has written, or else why it ended.
std::string said_by(proc::StreamSession& session, const proc::ExitStatus& status) {
  std::string said;
  for (const Fd* stream : {&session.output(), &session.error()}) {
    std::array<char, 1024> text{};
    pollfd readable{stream->get(), POLLIN, 0};
    // A pipe: what is there now is all there will be.
    ssize_t n = stream->valid() && ::poll(&readable, 1, 0) > 0
                    ? ::read(stream->get(), text.data(), text.size())
                    : 0;
    if (n > 0) said.append(text.data(), static_cast<size_t>(n));
  }
  if (said.empty()) said = status.message;
  return said;
}

Result<void> run_exec(const Probe& probe, const Json& exec, proc::ContainerClient& containers) {
  proc::ExecSpec spec;
  spec.container_id = probe.container_id;
  spec.end_with_client = true;
  for (const Json& word : member(exec, "command")) spec.command.push_back(word);
  HOP_TRY(auto session, containers.exec(spec));
  HOP_TRY(auto status, session.wait(probe.timeout));
  if (!status) {
    return Error(ErrorCode::timed_out, str("command \"", join(spec.command, " "), "\" timed out"));
  }
  if (status->exit_code == 0) return {};
  // kubelet shows what the command said and nothing else.
  return Error(ErrorCode::unavailable, said_by(session, *status));
}

}  // namespace

std::string_view to_string(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::startup:
      return "Startup";
    case ProbeKind::liveness:
      return "Liveness";
    case ProbeKind::readiness:
      return "Readiness";
  }
  return "?";
}

std::vector<Probe> probes_of(const PodRecord& pod, const ContainerRecord& container, Ipv4 pod_ip) {
  std::vector<Probe> out;
  const Json& spec = pod.spec_of(container);
  for (auto [kind, field] : {std::pair{ProbeKind::startup, "startupProbe"},
                             {ProbeKind::liveness, "livenessProbe"},
                             {ProbeKind::readiness, "readinessProbe"}}) {
    const Json& action = member(spec, field);
    if (!action.is_object()) continue;
    Probe probe;
    probe.kind = kind;
    probe.pod_uid = pod.uid;
    probe.container = container.name;
    probe.container_id = container.id;
    probe.pod_ip = pod_ip;
    probe.action = action;
    probe.ports = member(spec, "ports");
    probe.initial_delay = seconds_or(action, "initialDelaySeconds", 0);
    probe.period = std::max(seconds_or(action, "periodSeconds", 10), Millis(1'000));
    probe.timeout = std::max(seconds_or(action, "timeoutSeconds", 1), Millis(1'000));
    probe.success_threshold = static_cast<int>(int_or(action, "successThreshold", 1));
    probe.failure_threshold = static_cast<int>(int_or(action, "failureThreshold", 3));
    out.push_back(std::move(probe));
  }
  return out;
}

std::string url_of(const HttpProbeRequest& request) {
  const std::string_view slash = request.path.starts_with('/') ? "" : "/";
  return str(request.tls ? "https://" : "http://", request.host, ":", request.port, slash,
             request.path);
}

Error as_go_says(const HttpProbeRequest& request, const Error& error) {
  std::string cause = error.message();
  if (error.code() == ErrorCode::timed_out || error.sys_errno() == ETIMEDOUT) {
    cause = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  } else if (error.sys_errno() == ECONNREFUSED || error.sys_errno() == EHOSTUNREACH ||
             error.sys_errno() == ENETUNREACH) {
    cause = dial_error(request.host, request.port, error.sys_errno()).message();
  }
  return {error.code(), str("Get \"", url_of(request), "\": ", cause)};
}

Error failed_command(proc::StreamSession& session, const proc::ExitStatus& status) {
  return {ErrorCode::unavailable,
          str("exit code ", status.exit_code, ": ", trim(said_by(session, status)))};
}

Result<void> run_probe(const Probe& probe, proc::ContainerClient& containers,
                       const HttpProber& http) {
  if (const Json& get = member(probe.action, "httpGet"); !get.is_null()) {
    return run_http(probe, get, http);
  }
  if (const Json& exec = member(probe.action, "exec"); !exec.is_null()) {
    return run_exec(probe, exec, containers);
  }
  if (const Json& tcp = member(probe.action, "tcpSocket"); !tcp.is_null()) {
    HOP_TRY(uint16_t port, port_of(member(tcp, "port"), probe.ports));
    return connect_tcp(probe.pod_ip, port, probe.timeout);
  }
  return Error(ErrorCode::invalid, "probe has no action (exec, httpGet or tcpSocket)");
}

}  // namespace hoplab::agent
