#include "runtime/agent/pod_worker.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/api/kind.h"

namespace hoplab::agent {

namespace {

void keep_earliest(std::optional<SteadyTime>& at, std::optional<SteadyTime> other) {
  if (other && (!at || *other < *at)) at = other;
}

}  // namespace

PodWorker::PodWorker(WorkerParts parts) : parts_(std::move(parts)) {}

PodRecord* PodWorker::find_by_uid(const std::string& uid) {
  auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : &it->second;
}

void PodWorker::observe_pod(const std::string& key, const Json* pod) {
  std::string uid = pod != nullptr ? api::uid_of(*pod) : std::string();
  // A pod of this name with another uid is gone, even if a new one took its name at once.
  if (auto known = uids_.find(key); known != uids_.end() && known->second != uid) {
    if (PodRecord* old = find_by_uid(known->second)) {
      old->gone = true;
      parts_.directory.forget(*old);
    }
    uids_.erase(known);
  }
  if (pod == nullptr) return;
  uids_[key] = uid;
  if (PodRecord* record = find_by_uid(uid)) {
    bool fresh = record->object.is_null();
    record->object = *pod;
    record->gone = false;
    if (fresh) adopt_into(*record);
    publish(*record);
    compare_status(*record);
    return;
  }
  std::string phase = string_or(member(*pod, "status"), "phase");
  PodRecord record = make_record(*pod);
  // A finished pod is not run again after the node's memory of it is lost.
  if (phase == "Succeeded" || phase == "Failed") {
    for (auto& container : record.containers) {
      container.phase = ContainerPhase::exited;
      container.ended = Termination{phase == "Failed" ? 1 : 0, 0, "", "", {}, {}, ""};
    }
    record.object["spec"]["restartPolicy"] = "Never";
    if (phase == "Failed") {
      record.end_reason = string_or(member(*pod, "status"), "reason");
      record.end_message = string_or(member(*pod, "status"), "message");
    }
    reported_[uid] = member(*pod, "status");
  }
  publish(pods_.emplace(uid, std::move(record)).first->second);
}

/// Node lifecycle takes the pods of a silent node out of service; when we are back, they are as
/// they were, and it is for us to say so.
void PodWorker::compare_status(const PodRecord& pod) {
  auto reported = reported_.find(pod.uid);
  if (reported == reported_.end() ||
      !parts_.statuses.is_settled(pod.uid, api::revision_of(pod.object))) {
    return;
  }
  // Forgotten, it is compared with the API's own in report() and written again.
  if (status_was_changed(reported->second, member(pod.object, "status"))) reported_.erase(reported);
}

/// The record came from node-init before the API told the spec: take order and kinds from there.
void PodWorker::adopt_into(PodRecord& record) {
  PodRecord ordered = make_record(record.object);
  for (auto& container : ordered.containers) {
    ContainerRecord* adopted = record.find(container.name);
    if (adopted == nullptr) continue;
    adopted->init = container.init;
    container = *adopted;
  }
  record.containers = std::move(ordered.containers);
  for (const auto& container : record.containers) {
    if (container.phase != ContainerPhase::running) continue;
    parts_.prober.start(probes_of(record, container, record.ip.value_or(parts_.node.address)));
  }
}

void PodWorker::observe_event(const proc::ContainerEvent& event) {
  for (auto& [uid, pod] : pods_) {
    if (pod.sandbox_id.empty() || pod.sandbox_id != event.sandbox_id) continue;
    if (event.kind == proc::ContainerEventKind::sandbox_stopped) {
      // pause died: everything in the pod is dead; it gets a new sandbox and a new address.
      if (!pod.deleting()) {
        parts_.events(pod, "", "Normal", "SandboxChanged",
                      "Pod sandbox changed, it will be killed and re-created.");
        tear_down(pod);
        pod.torn_down = false;
      }
      return;
    }
    for (auto& container : pod.containers) {
      if (container.id != event.container_id || container.id.empty()) continue;
      if (event.kind == proc::ContainerEventKind::exited &&
          container.phase == ContainerPhase::running) {
        note_exit(pod, container, event.status);
      }
    }
    return;
  }
}

void PodWorker::observe_probe(const ProbeVerdict& verdict) {
  PodRecord* pod = find_by_uid(verdict.pod_uid);
  ContainerRecord* container = pod != nullptr ? pod->find(verdict.container) : nullptr;
  if (container == nullptr || container->id != verdict.container_id ||
      container->phase != ContainerPhase::running) {
    return;
  }
  if (verdict.failed) {
    parts_.events(*pod, container->name, "Warning", "Unhealthy",
                  str(to_string(verdict.kind),
                      verdict.errored ? " probe errored: " : " probe failed: ", verdict.message));
  }
  if (!verdict.decided) return;
  const Json& spec = pod->spec_of(*container);
  if (verdict.kind == ProbeKind::readiness) container->ready = verdict.success;
  if (verdict.kind == ProbeKind::startup && verdict.success) {
    container->started = true;
    container->ready = !container->init && member(spec, "readinessProbe").is_null();
  }
  if (verdict.success || verdict.kind == ProbeKind::readiness || container->stopping) return;
  parts_.events(*pod, container->name, "Normal", "Killing",
                str("Container ", container->name, " failed ", to_lower(to_string(verdict.kind)),
                    " probe, will be restarted"));
  int64_t grace = int_or(member(pod->object, "spec"), "terminationGracePeriodSeconds", 30);
  take_step(*pod, StopContainer{container->name, grace});
}

void PodWorker::pods_synced() {
  synced_ = true;
  for (auto& [uid, pod] : pods_) {
    if (pod.object.is_null()) pod.gone = true;
  }
}

void PodWorker::refresh_volumes() {
  for (auto& [uid, pod] : pods_) {
    if (pod.object.is_null() || pod.deleting() || !pod.network_ready) continue;
    auto refreshed = parts_.volumes.refresh(pod, parts_.lookup_in(pod.namespace_name));
    if (!refreshed) parts_.events(pod, "", "Warning", "FailedMount", refreshed.error().message());
  }
}

std::optional<SteadyTime> PodWorker::sync() {
  std::optional<SteadyTime> wake_at;
  // Sandboxes of all pods are made in one go: one address assignment, one netlink batch.
  Batch without_sandbox;
  SteadyTime now = parts_.clock.steady();
  for (auto& [uid, pod] : pods_) {
    if (pod.object.is_null() && !pod.gone) continue;
    watch_deadline(pod, now);
    Decision decision = decide(pod, now);
    if (!decision.steps.empty() && std::holds_alternative<MakeSandbox>(decision.steps.front())) {
      without_sandbox.push_back(&pod);
    }
  }
  if (!without_sandbox.empty()) make_sandboxes(without_sandbox);

  std::vector<std::string> finished;
  for (auto& [uid, pod] : pods_) {
    if (pod.object.is_null() && !pod.gone) continue;
    Decision decision = decide(pod, now);
    for (const Step& step : decision.steps) take_step(pod, step);
    keep_earliest(wake_at, decision.wake_at);
    if (pod.gone && pod.torn_down) {
      finished.push_back(uid);
    } else {
      report(pod);
    }
  }
  for (const auto& uid : finished) {
    parts_.directory.forget(pods_.at(uid));
    pods_.erase(uid);
    reported_.erase(uid);
    parts_.statuses.forget(uid);
  }
  return wake_at;
}

void PodWorker::take_step(PodRecord& pod, const Step& step) {
  if (const auto* start = std::get_if<StartContainer>(&step)) {
    start_container(pod, *pod.find(start->name));
  } else if (const auto* stop = std::get_if<StopContainer>(&step)) {
    stop_container(pod, *pod.find(stop->name), stop->grace_seconds);
  } else if (std::holds_alternative<TearDown>(step)) {
    tear_down(pod);
  } else if (std::holds_alternative<ConfirmDeletion>(step)) {
    report(pod);  // How its containers ended; who watches sees them stop before the pod goes.
    parts_.statuses.confirm_deletion(pod.namespace_name, pod.name, pod.uid);
    // The API's DELETED event would set this too; a second confirmation is not needed.
    pod.gone = true;
  }
}

void PodWorker::stop_container(PodRecord& pod, ContainerRecord& container, int64_t grace_seconds) {
  bool first = !container.stopping;
  container.stopping = true;
  container.stop_grace = grace_seconds;
  parts_.prober.stop(container.id);
  if (first && pod.deleting()) {
    parts_.events(pod, container.name, "Normal", "Killing", "Stopping container " + container.name);
  }
  const Json& hook = at_path(pod.spec_of(container), "lifecycle.preStop");
  Millis grace = bounded_seconds(grace_seconds);
  if (first && hook.is_object() && grace.count() > 0) return run_pre_stop(pod, container, grace);
  auto asked = parts_.containers.stop_container(container.id, grace);
  if (!asked) parts_.log.error("stopping container " + container.name, asked.error());
}

void PodWorker::tear_down(PodRecord& pod) {
  for (auto& container : pod.containers) {
    if (!container.id.empty()) parts_.prober.stop(container.id);
    if (container.phase == ContainerPhase::running) {
      container.phase = ContainerPhase::exited;
      container.ready = container.started = false;
      container.ended =
          Termination{137, 9, "Error", "", container.started_at, parts_.clock.wall(), container.id};
      container.back_off = Millis(0);
    }
  }
  if (!pod.sandbox_id.empty()) {
    if (!pod.host_network()) {
      auto detached = parts_.attacher.detach({pod.sandbox_id, pod.namespace_name, pod.name});
      if (!detached) parts_.log.error("removing the network of pod " + pod.key(), detached.error());
    }
    auto removed = parts_.containers.remove_sandbox(pod.sandbox_id);
    if (!removed) parts_.log.error("removing the sandbox of pod " + pod.key(), removed.error());
  }
  if (pod.deleting()) {
    parts_.volumes.remove(pod.uid);
    remove_logs(pod);
  }
  pod.sandbox_id.clear();
  pod.netns_path.clear();
  pod.network_ready = false;
  pod.ip.reset();
  pod.torn_down = true;
}

void PodWorker::watch_deadline(PodRecord& pod, SteadyTime now) {
  const Json& seconds = at_path(pod.object, "spec.activeDeadlineSeconds");
  pod.deadline.reset();
  if (!seconds.is_number_integer() || !pod.end_reason.empty() || pod.deleting()) return;
  const bool over = std::all_of(pod.containers.begin(), pod.containers.end(), [&](const auto& c) {
    return c.phase == ContainerPhase::exited && !restarts_after(pod, c);
  });
  const auto reported = reported_.find(pod.uid);
  const Json& status =
      reported != reported_.end() ? reported->second : member(pod.object, "status");
  const auto started = parse_rfc3339(string_or(status, "startTime"));
  if (over || !started) return;
  // Days are as good as years.
  const auto limit = std::chrono::seconds(std::min<int64_t>(seconds.get<int64_t>(), 100'000'000));
  pod.deadline = now + std::chrono::ceil<Millis>(*started + limit - parts_.clock.wall());
  if (*pod.deadline > now) return;
  pod.deadline.reset();
  pod.end_reason = "DeadlineExceeded";
  pod.end_message = "Pod was active on the node longer than the specified deadline";
  parts_.events(pod, "", "Normal", "DeadlineExceeded", pod.end_message);
}

void PodWorker::report(PodRecord& pod) {
  // First: whoever reads in the status that a container runs may exec in it.
  publish(pod);
  if (pod.gone || pod.object.is_null()) return;
  Json& last = reported_[pod.uid];
  const Json& previous = last.is_null() ? member(pod.object, "status") : last;
  Json status = make_status(pod, parts_.node, previous, parts_.clock.wall());
  if (status == last) return;
  last = status;
  parts_.statuses.set_status(pod.namespace_name, pod.name, pod.uid, std::move(status));
}

void PodWorker::publish(const PodRecord& pod) {
  auto newest = uids_.find(pod.key());
  if (newest != uids_.end() && newest->second == pod.uid) parts_.directory.publish(pod);
}

}  // namespace hoplab::agent
