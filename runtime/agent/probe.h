#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/agent/pod_record.h"
#include "runtime/proc/container_client.h"

namespace hoplab::agent {

enum class ProbeKind { startup, liveness, readiness };

std::string_view to_string(ProbeKind kind);

/// One probe of one running container, with Kubernetes' defaults filled in.
struct Probe {
  ProbeKind kind = ProbeKind::readiness;
  std::string pod_uid;
  std::string container;
  std::string container_id;
  Ipv4 pod_ip;
  Json action;  ///< The probe object: exec, httpGet or tcpSocket.
  Json ports;   ///< The container's ports, for named ones.
  Millis initial_delay{0};
  Millis period{10'000};
  Millis timeout{1'000};
  int success_threshold = 1;
  int failure_threshold = 3;
};

/// The probes of a container that has just started.
std::vector<Probe> probes_of(const PodRecord& pod, const ContainerRecord& container, Ipv4 pod_ip);

/// GET http(s)://ip:port/path; the status code, or an error when there was no answer in time.
struct HttpProbeRequest {
  std::string host;
  uint16_t port = 80;
  std::string path = "/";
  bool tls = false;
  std::vector<std::pair<std::string, std::string>> headers;
  Millis timeout{1'000};
};
/// The URL as Go prints it.
std::string url_of(const HttpProbeRequest& request);
/// A failed GET in the words of kubelet, which are those of Go's net/http: `Get "http://…": dial
/// tcp …: connect: connection refused`. Pure.
Error as_go_says(const HttpProbeRequest& request, const Error& error);
using HttpProber = std::function<Result<int>(const HttpProbeRequest&)>;

/// The error of a command that ended with another exit code than 0, with what it said.
Error failed_command(proc::StreamSession& session, const proc::ExitStatus& status);

/// Carries the probe out; blocks for at most its timeout. Success is an empty Result; the error's
/// message is kubelet's ("HTTP probe failed with statuscode: 503").
Result<void> run_probe(const Probe& probe, proc::ContainerClient& containers,
                       const HttpProber& http);

}  // namespace hoplab::agent
