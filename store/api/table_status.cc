#include <set>

#include "runtime/base/text.h"
#include "store/api/kind.h"
#include "store/api/table.h"
#include "store/api/table_cells.h"

/// STATUS, READY and RESTARTS of pods and nodes, by the rules of Kubernetes' printers.go.
namespace hoplab::api {

namespace {

const Json& items_of(const Json& object, std::string_view list) {
  static const Json none = Json::array();
  const Json& items = member(object, list);
  return items.is_array() ? items : none;
}

const Json& state_of(const Json& container, std::string_view state) {
  return member(member(container, "state"), state);
}

/// "Error", "ExitCode:3" or "Signal:9" of a terminated state.
std::string end_text(const Json& terminated) {
  std::string reason = string_or(terminated, "reason");
  if (!reason.empty()) return reason;
  int64_t signal = int_or(terminated, "signal");
  return signal != 0 ? str("Signal:", signal) : str("ExitCode:", int_or(terminated, "exitCode"));
}

bool condition_is_true(const Json& object, std::string_view type) {
  for (const Json& condition : items_of(member(object, "status"), "conditions")) {
    if (string_or(condition, "type") == type) return string_or(condition, "status") == "True";
  }
  return false;
}

struct PodSummary {
  std::string status;
  int64_t ready = 0;
  int64_t restarts = 0;
  std::string last_restart;  ///< RFC 3339; empty for none.
};

void count_restarts(PodSummary& out, const Json& container) {
  out.restarts += int_or(container, "restartCount");
  const Json& last = member(member(container, "lastState"), "terminated");
  // RFC 3339 in UTC sorts as text.
  out.last_restart = std::max(out.last_restart, string_or(last, "finishedAt"));
}

/// True while init containers still decide about the pod.
bool summarize_init(PodSummary& out, const Json& pod) {
  const Json& statuses = items_of(member(pod, "status"), "initContainerStatuses");
  for (size_t i = 0; i < statuses.size(); ++i) {
    count_restarts(out, statuses[i]);
    const Json& terminated = state_of(statuses[i], "terminated");
    std::string waiting = string_or(state_of(statuses[i], "waiting"), "reason");
    if (terminated.is_object() && int_or(terminated, "exitCode") == 0) continue;
    if (terminated.is_object()) {
      out.status = "Init:" + end_text(terminated);
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      out.status = "Init:" + waiting;
    } else {
      out.status = str("Init:", i, "/", items_of(member(pod, "spec"), "initContainers").size());
    }
    return true;
  }
  return false;
}

void summarize_containers(PodSummary& out, const Json& pod) {
  const Json& statuses = items_of(member(pod, "status"), "containerStatuses");
  bool running = false;
  out.restarts = 0;
  // Backwards: the first container has the last word.
  for (size_t i = statuses.size(); i-- > 0;) {
    const Json& container = statuses[i];
    count_restarts(out, container);
    const Json& terminated = state_of(container, "terminated");
    std::string waiting = string_or(state_of(container, "waiting"), "reason");
    if (!waiting.empty()) {
      out.status = waiting;
    } else if (terminated.is_object()) {
      out.status = end_text(terminated);
    } else if (bool_or(container, "ready") && state_of(container, "running").is_object()) {
      running = true;
      ++out.ready;
    }
  }
  if (out.status == "Completed" && running) {
    out.status = condition_is_true(pod, "Ready") ? "Running" : "NotReady";
  }
}

PodSummary summarize(const Json& pod) {
  PodSummary out;
  const Json& status = member(pod, "status");
  std::string reason = string_or(status, "reason");
  out.status = reason.empty() ? string_or(status, "phase") : reason;
  if (!summarize_init(out, pod)) summarize_containers(out, pod);
  if (!string_or(member(pod, "metadata"), "deletionTimestamp").empty()) {
    out.status = reason == "NodeLost" ? "Unknown" : "Terminating";
  }
  return out;
}

std::string ready_text(const PodSummary& summary, const Json& pod) {
  return str(summary.ready, "/", items_of(member(pod, "spec"), "containers").size());
}

std::string readiness_gates(const Json& pod) {
  const Json& gates = items_of(member(pod, "spec"), "readinessGates");
  if (gates.empty()) return "<none>";
  size_t passed = 0;
  for (const Json& gate : gates) {
    passed += condition_is_true(pod, string_or(gate, "conditionType")) ? 1 : 0;
  }
  return str(passed, "/", gates.size());
}

std::string pod_ip(const Json& pod) {
  const Json& status = member(pod, "status");
  const Json& ips = items_of(status, "podIPs");
  std::string ip = ips.empty() ? string_or(status, "podIP") : string_or(ips[0], "ip");
  return ip.empty() ? "<none>" : ip;
}

std::string address_of(const Json& node, std::string_view type) {
  for (const Json& address : items_of(member(node, "status"), "addresses")) {
    if (string_or(address, "type") == type) return string_or(address, "address");
  }
  return "<none>";
}

std::string or_none(const std::string& text) {
  return text.empty() ? "<none>" : text;
}

}  // namespace

std::string pod_status_text(const Json& pod) {
  return summarize(pod).status;
}

std::string pod_ready_text(const Json& pod) {
  return ready_text(summarize(pod), pod);
}

Json pod_cells(const Json& object, WallTime now) {
  PodSummary summary = summarize(object);
  std::string restarts = std::to_string(summary.restarts);
  if (!summary.last_restart.empty()) {
    restarts += str(" (", human_age(summary.last_restart, now), " ago)");
  }
  return {name_of(object),
          ready_text(summary, object),
          summary.status,
          restarts,
          human_age(member(member(object, "metadata"), "creationTimestamp"), now),
          pod_ip(object),
          or_none(string_or(member(object, "spec"), "nodeName")),
          or_none(string_or(member(object, "status"), "nominatedNodeName")),
          readiness_gates(object)};
}

std::string node_status_text(const Json& node) {
  std::string status = "Unknown";
  for (const Json& condition : items_of(member(node, "status"), "conditions")) {
    if (string_or(condition, "type") != "Ready") continue;
    status = string_or(condition, "status") == "True" ? "Ready" : "NotReady";
  }
  if (bool_or(member(node, "spec"), "unschedulable")) status += ",SchedulingDisabled";
  return status;
}

std::string node_roles_text(const Json& node) {
  constexpr std::string_view prefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  const Json& labels = member(member(node, "metadata"), "labels");
  for (auto it = labels.begin(); labels.is_object() && it != labels.end(); ++it) {
    if (it.key().size() > prefix.size() && it.key().starts_with(prefix)) {
      roles.insert(it.key().substr(prefix.size()));
    } else if (it.key() == "kubernetes.io/role" && it->is_string() && *it != "") {
      roles.insert(it->get<std::string>());
    }
  }
  return or_none(join({roles.begin(), roles.end()}, ","));
}

Json node_cells(const Json& object, WallTime now) {
  const Json& info = member(member(object, "status"), "nodeInfo");
  auto known = [&info](const char* field) {
    std::string text = string_or(info, field);
    return text.empty() ? std::string("<unknown>") : text;
  };
  return {name_of(object),
          node_status_text(object),
          node_roles_text(object),
          human_age(member(member(object, "metadata"), "creationTimestamp"), now),
          string_or(info, "kubeletVersion"),
          address_of(object, "InternalIP"),
          address_of(object, "ExternalIP"),
          known("osImage"),
          known("kernelVersion"),
          known("containerRuntimeVersion")};
}

}  // namespace hoplab::api
