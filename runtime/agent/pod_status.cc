#include "runtime/agent/pod_status.h"

#include <algorithm>

#include "runtime/agent/pod_sync.h"
#include "runtime/base/text.h"
#include "store/admission.h"

namespace hoplab::agent {

namespace {

const std::string runtime_scheme = str(container_runtime, "://");

Json termination_json(const Termination& t) {
  Json out = {{"exitCode", t.exit_code},
              {"reason", t.reason},
              {"startedAt", to_rfc3339(t.started_at)},
              {"finishedAt", to_rfc3339(t.finished_at)},
              {"containerID", runtime_scheme + t.container_id}};
  if (t.signal != 0) out["signal"] = t.signal;
  if (!t.message.empty()) out["message"] = t.message;
  return Json{{"terminated", out}};
}

Json state_json(const ContainerRecord& c) {
  switch (c.phase) {
    case ContainerPhase::running:
      return Json{{"running", {{"startedAt", to_rfc3339(c.started_at)}}}};
    case ContainerPhase::exited:
      if (c.ended) return termination_json(*c.ended);
      [[fallthrough]];
    case ContainerPhase::waiting:
      break;
  }
  Json waiting = {{"reason", c.waiting_reason}};
  if (!c.waiting_message.empty()) waiting["message"] = c.waiting_message;
  return Json{{"waiting", waiting}};
}

/// A container that ended and waits for its next start shows "CrashLoopBackOff" while its back-off
/// runs; its end moves to lastState.
ContainerRecord as_reported(const PodRecord& pod, const ContainerRecord& c) {
  if (c.phase != ContainerPhase::exited || !restarts_after(pod, c) || pod.deleting()) return c;
  if (c.back_off.count() == 0) return c;
  ContainerRecord shown = c;
  shown.phase = ContainerPhase::waiting;
  shown.last = c.ended;
  shown.waiting_reason = "CrashLoopBackOff";
  shown.waiting_message =
      str("back-off ", c.back_off.count() / 1000, "s restarting failed container=", c.name,
          " pod=", pod.name, "_", pod.namespace_name, "(", pod.uid, ")");
  return shown;
}

Json container_status(const PodRecord& pod, const ContainerRecord& c) {
  const Json& spec = pod.spec_of(c);
  std::string image = string_or(spec, "image");
  ContainerRecord shown = as_reported(pod, c);
  Json out = {
      {"name", c.name},
      {"image", image},
      {"imageID", c.id.empty() ? "" : runtime_scheme + image},
      {"ready",
       c.init ? c.phase == ContainerPhase::exited && c.ended && c.ended->exit_code == 0 : c.ready},
      {"restartCount", c.restarts},
      {"state", state_json(shown)},
      {"lastState", shown.last ? termination_json(*shown.last) : Json::object()}};
  if (!c.id.empty()) out["containerID"] = runtime_scheme + c.id;
  if (!c.init) out["started"] = c.phase == ContainerPhase::running && c.started;
  return out;
}

std::string phase_of(const PodRecord& pod) {
  if (!pod.end_reason.empty()) return "Failed";
  bool any_running = false, any_waiting = false, any_failed = false, any_restarting = false;
  for (const auto& c : pod.containers) {
    if (c.init) {
      bool done = c.phase == ContainerPhase::exited && c.ended && c.ended->exit_code == 0;
      if (done) continue;
      bool hopeless = c.phase == ContainerPhase::exited && !restarts_after(pod, c);
      return hopeless ? "Failed" : "Pending";
    }
    if (c.phase == ContainerPhase::running) any_running = true;
    if (c.phase == ContainerPhase::waiting && !c.last) any_waiting = true;
    if (c.phase == ContainerPhase::exited || c.last) {
      if (c.phase != ContainerPhase::running && restarts_after(pod, c)) any_restarting = true;
      if (c.phase == ContainerPhase::exited && c.ended && c.ended->exit_code != 0)
        any_failed = true;
    }
  }
  if (any_waiting) return "Pending";
  if (any_running || any_restarting) return "Running";
  return any_failed ? "Failed" : "Succeeded";
}

struct Condition {
  std::string type;
  bool is_true = false;
  std::string reason;
  std::string message;
};

Json conditions_json(const std::vector<Condition>& wanted, const Json& previous, WallTime now) {
  Json out = Json::array();
  for (const auto& condition : wanted) {
    std::string status = condition.is_true ? "True" : "False";
    std::string since = to_rfc3339(now);
    for (const Json& old : member(previous, "conditions")) {
      if (string_or(old, "type") == condition.type && string_or(old, "status") == status) {
        since = string_or(old, "lastTransitionTime", since);
      }
    }
    Json item = {{"type", condition.type},
                 {"status", status},
                 {"lastProbeTime", nullptr},
                 {"lastTransitionTime", since}};
    if (!condition.reason.empty()) item["reason"] = condition.reason;
    if (!condition.message.empty()) item["message"] = condition.message;
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<Condition> conditions_of(const PodRecord& pod, const std::string& phase) {
  std::vector<std::string> unready;
  bool initialized = true;
  for (const auto& c : pod.containers) {
    if (c.init) {
      initialized =
          initialized && c.phase == ContainerPhase::exited && c.ended && c.ended->exit_code == 0;
    } else if (!c.ready) {
      unready.push_back(c.name);
    }
  }
  Condition init{"Initialized", initialized, "", ""};
  Condition ready{"Ready", unready.empty() && !pod.deleting(), "", ""};
  if (!initialized) init.reason = "ContainersNotInitialized";
  if (phase == "Succeeded") {
    init.reason = ready.reason = "PodCompleted";
    ready.is_true = false;
  } else if (!unready.empty()) {
    ready.reason = "ContainersNotReady";
    ready.message = "containers with unready status: [" + join(unready, " ") + "]";
  }
  Condition containers = ready;
  containers.type = "ContainersReady";
  return {init, ready, containers, {"PodScheduled", true, "", ""}};
}

}  // namespace

Json make_status(const PodRecord& pod, const NodeFacts& node, const Json& previous, WallTime now) {
  std::string phase = phase_of(pod);
  Json status = {{"phase", phase},
                 {"hostIP", to_string(node.address)},
                 {"startTime", string_or(previous, "startTime", to_rfc3339(now))},
                 {"qosClass", qos_class(pod.object)},
                 {"conditions", conditions_json(conditions_of(pod, phase), previous, now)},
                 {"containerStatuses", Json::array()}};
  if (!pod.end_reason.empty()) {
    status["reason"] = pod.end_reason;
    status["message"] = pod.end_message;
  }
  auto ip = pod.host_network() ? std::optional(node.address) : pod.ip;
  if (ip) {
    status["podIP"] = to_string(*ip);
    status["podIPs"] = Json::array({Json{{"ip", to_string(*ip)}}});
  }
  for (const auto& c : pod.containers) {
    status[c.init ? "initContainerStatuses" : "containerStatuses"].push_back(
        container_status(pod, c));
  }
  return status;
}

bool status_was_changed(const Json& reported, const Json& current) {
  for (auto field : {"phase", "podIP"}) {
    if (string_or(reported, field) != string_or(current, field)) return true;
  }
  auto differs = [&](const char* list, const char* key, const char* field) {
    for (const Json& said : member(reported, list)) {
      const Json* there = nullptr;
      for (const Json& each : member(current, list)) {
        if (member(each, key) == member(said, key)) there = &each;
      }
      if (there == nullptr || member(*there, field) != member(said, field)) return true;
    }
    return false;
  };
  return differs("conditions", "type", "status") || differs("containerStatuses", "name", "ready");
}

}  // namespace hoplab::agent
