// PodWorker: making sandboxes, starting containers, and taking note of how they fare.

#include <unistd.h>

#include <algorithm>

#include "runtime/agent/image_pull.h"
#include "runtime/agent/non_root.h"
#include "runtime/agent/pod_worker.h"
#include "runtime/agent/termination_message.h"
#include "runtime/agent/volume_owner.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

constexpr Millis first_retry{1'000};
constexpr Millis longest_retry{16'000};
constexpr Millis start_retry{10'000};

WallTime wall(int64_t nanoseconds) {
  return WallTime(std::chrono::nanoseconds(nanoseconds));
}

/// Back to waiting, with the run before (if there was one) as the last.
void wait_to_start(ContainerRecord& container, std::string reason, std::string message) {
  container.phase = ContainerPhase::waiting;
  if (container.ended) container.last = std::exchange(container.ended, std::nullopt);
  container.waiting_reason = std::move(reason);
  container.waiting_message = std::move(message);
}

/// A program that cannot be run, in the words that people look up.
std::string as_docker_says(const proc::ContainerStatus& status) {
  if (!status.message.starts_with("exec: ")) return status.message;
  return "OCI runtime create failed: container_linux.go:380: starting container process caused: " +
         status.message + ": unknown";
}

}  // namespace

void PodWorker::fail_pod(PodRecord& pod, const char* reason, const Error& error) {
  parts_.events(pod, "", "Warning", reason, error.message());
  parts_.log.error("pod " + pod.key(), error);
  for (auto& container : pod.containers) {
    if (container.phase == ContainerPhase::waiting) container.waiting_message = error.message();
  }
  pod.retry_wait =
      pod.retry_wait.count() == 0 ? first_retry : std::min(pod.retry_wait * 2, longest_retry);
  pod.retry_at = parts_.clock.steady() + pod.retry_wait;
}

Result<std::map<std::string, Ipv4>> PodWorker::addresses_for(
    const std::vector<Attachment>& wanted) {
  // Whatever a killed agent lost has to be made again by now, and so comes past here.
  std::vector<std::string> known;
  for (const auto& [uid, pod] : pods_) {
    if (!pod.sandbox_id.empty()) known.push_back(pod.sandbox_id);
  }
  if (!wanted.empty()) HOP_CHECK(parts_.attacher.release_all_but(known));
  return parts_.attacher.assign(wanted);
}

void PodWorker::make_sandboxes(const Batch& batch) {
  std::vector<Attachment> wanted;
  for (PodRecord* pod : batch) {
    auto prepared = parts_.volumes.prepare(*pod, parts_.lookup_in(pod->namespace_name));
    if (!prepared) {
      fail_pod(*pod, "FailedMount", prepared.error());
      continue;
    }
    if (const auto group = wanted_fs_group(*pod); group && !Volumes::usable_fs_group(*pod)) {
      parts_.events(*pod, "", "Warning", "NotHonoured",
                    str("fsGroup ", *group,
                        ": the volumes keep their group, as this group does not exist here: this "
                        "sandbox's user namespace maps only the id of the user who started it. "
                        "Install the package uidmap and give that user a line in /etc/subuid and "
                        "/etc/subgid, then start the cluster again"));
    }
    pod->sandbox_id = new_runtime_id();
    if (!pod->host_network()) wanted.push_back({pod->sandbox_id, pod->namespace_name, pod->name});
  }
  auto addresses = addresses_for(wanted);
  std::vector<PodWiring> wirings;
  std::vector<PodRecord*> wired;
  for (PodRecord* pod : batch) {
    if (pod->sandbox_id.empty()) continue;
    auto give_up = [&](const Error& error) {
      fail_pod(*pod, "FailedCreatePodSandBox",
               Error(error).context("Failed to create pod sandbox"));
      tear_down(*pod);
      pod->torn_down = false;
    };
    if (!pod->host_network()) {
      if (!addresses) {
        give_up(addresses.error());
        continue;
      }
      const auto address = addresses->find(pod->sandbox_id);
      if (address == addresses->end()) {
        give_up(Error(ErrorCode::unavailable,
                      "no address is left: every block of the pools is full; delete pods or add an "
                      "IPPool"));
        continue;
      }
      pod->ip = address->second;
    }
    auto sandbox =
        parts_.containers.run_sandbox(make_sandbox_spec(*pod, pod->sandbox_id, parts_.dns));
    if (!sandbox) {
      give_up(sandbox.error());
      continue;
    }
    pod->netns_path = sandbox->status.netns_path;
    if (pod->host_network()) {
      pod->network_ready = true;
      pod->retry_wait = Millis(0);
      continue;
    }
    wirings.push_back(
        {{pod->sandbox_id, pod->namespace_name, pod->name}, *pod->ip, std::move(sandbox->netns)});
    wired.push_back(pod);
  }
  auto results = parts_.attacher.wire(wirings);
  for (size_t i = 0; i < wired.size(); ++i) {
    if (results[i]) {
      wired[i]->network_ready = true;
      wired[i]->retry_wait = Millis(0);
      continue;
    }
    fail_pod(*wired[i], "FailedCreatePodSandBox", results[i].error());
    tear_down(*wired[i]);
    wired[i]->torn_down = false;
  }
}

Result<proc::ContainerStatus> PodWorker::try_start(PodRecord& pod, ContainerRecord& container) {
  const Json& spec = pod.spec_of(container);
  if (must_not_be_root(pod, spec)) {
    HOP_TRY(const proc::Image image, parts_.images.resolve(string_or(spec, "image")));
    HOP_CHECK(verify_non_root(pod, spec, image.user));
  }
  HOP_TRY(Variables variables,
          make_environment(pod, spec, parts_.node, parts_.services(pod.namespace_name),
                           parts_.lookup_in(pod.namespace_name)));
  HOP_TRY(auto mounts, parts_.volumes.mounts(pod, spec));
  HOP_TRY(auto made, make_container_spec(pod, container, variables, mounts));
  HOP_CHECK(
      offer_message_file(parts_.volumes.message_file(pod, container.name, made.id), spec, made));
  return parts_.containers.start_container(made);
}

bool PodWorker::has_image(PodRecord& pod, ContainerRecord& container) {
  auto problem =
      look_for_image(parts_.images, pod.spec_of(container), container, parts_.clock.steady());
  if (!problem) return true;
  for (auto& event : problem->events) {
    parts_.events(pod, container.name, event.type.c_str(), event.reason.c_str(),
                  std::move(event.message));
  }
  wait_to_start(container, std::move(problem->waiting_reason), std::move(problem->waiting_message));
  return false;
}

void PodWorker::start_container(PodRecord& pod, ContainerRecord& container) {
  if (!has_image(pod, container)) return;
  std::string old_id = container.id;
  bool again = !old_id.empty();
  if (again) ++container.restarts;
  auto status = try_start(pod, container);
  if (!status) {
    if (again) --container.restarts;
    cannot_start(pod, container, status.error());
    return;
  }
  if (container.ended) container.last = std::exchange(container.ended, std::nullopt);
  if (again) {
    (void)parts_.containers.remove_container(old_id);
    ::unlink(parts_.volumes.message_file(pod, container.name, old_id).c_str());
    // As kubelet, we keep one run before the present one.
    remove_log(pod, container, container.restarts - 2);
  }
  container.id = status->spec.id;
  container.waiting_message.clear();
  for (const auto& note : status->notes) {
    parts_.events(pod, container.name, "Warning", "NotHonoured", note);
  }
  std::string image = string_or(pod.spec_of(container), "image");
  parts_.events(pod, container.name, "Normal", "Pulled",
                "Container image \"" + image + "\" already present on machine");
  parts_.events(pod, container.name, "Normal", "Created", "Created container " + container.name);
  if (status->state == proc::ContainerState::exited) {
    container.started_at = wall(status->started_at != 0 ? status->started_at : status->finished_at);
    status->message = as_docker_says(*status);
    parts_.events(pod, container.name, "Warning", "Failed",
                  "Error: failed to start container \"" + container.name +
                      "\": Error response from daemon: " + status->message);
    note_exit(pod, container, *status);
    return;
  }
  parts_.events(pod, container.name, "Normal", "Started", "Started container " + container.name);
  note_running(pod, container, *status);
  run_post_start(pod, container);
}

void PodWorker::cannot_start(PodRecord& pod, ContainerRecord& container, const Error& error) {
  container.retry_at = parts_.clock.steady() + start_retry;
  parts_.events(pod, container.name, "Warning", "Failed", "Error: " + error.message());
  wait_to_start(container, "CreateContainerConfigError", error.message());
}

void PodWorker::note_running(PodRecord& pod, ContainerRecord& container,
                             const proc::ContainerStatus& status) {
  container.phase = ContainerPhase::running;
  container.started_at = wall(status.started_at);
  container.stopping = false;
  const Json& spec = pod.spec_of(container);
  container.started = member(spec, "startupProbe").is_null();
  container.ready =
      container.started && !container.init && member(spec, "readinessProbe").is_null();
  if (!pod.object.is_null()) {
    parts_.prober.start(probes_of(pod, container, pod.ip.value_or(parts_.node.address)));
  }
}

void PodWorker::note_exit(PodRecord& pod, ContainerRecord& container,
                          const proc::ContainerStatus& status) {
  parts_.prober.stop(container.id);
  container.phase = ContainerPhase::exited;
  container.ready = container.started = container.stopping = false;
  Termination end;
  end.exit_code = status.exit_code;
  end.signal = status.signal;
  end.reason = status.reason;
  end.message = status.message;
  if (end.message.empty()) {
    end.message = read_termination_message(
        parts_.volumes.message_file(pod, container.name, container.id), pod.spec_of(container),
        status.exit_code, log_path(pod, container, container.restarts));
  }
  end.started_at = container.started_at;
  end.finished_at = wall(status.finished_at);
  end.container_id = container.id;
  container.ended = end;
  if (!restarts_after(pod, container)) return;
  auto ran_for = std::chrono::duration_cast<Millis>(end.finished_at - end.started_at);
  // The first restart follows at once; only from the second on there is a wait.
  bool first_restart = container.restarts == 0 && container.back_off.count() == 0;
  if (first_restart) {
    container.retry_at = parts_.clock.steady();
  } else {
    container.back_off = next_back_off(container.back_off, ran_for);
    container.retry_at = parts_.clock.steady() + container.back_off;
    if (!pod.deleting()) {
      parts_.events(pod, container.name, "Warning", "BackOff",
                    "Back-off restarting failed container");
    }
  }
}

}  // namespace hoplab::agent
