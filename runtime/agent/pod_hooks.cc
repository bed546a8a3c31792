// PodWorker: postStart and preStop.

#include "runtime/agent/pod_worker.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

/// What is left of the grace after preStop, at least: kubelet's minimum.
constexpr Millis least_grace{2'000};

std::string hook_failed(const Hook& hook, const PodRecord& pod, const Error& error) {
  const Json& command = at_path(hook.action, "exec.command");
  std::vector<std::string> words;
  for (const Json& word : command) words.push_back(word);
  std::string kind = command.is_null() ? "HTTP" : "Exec";
  std::string what = command.is_null() ? dump_json(hook.action) : join(words, " ");
  return str(kind, " lifecycle hook ([", what, "]) for Container \"", hook.container,
             "\" in Pod \"", pod.name, "_", pod.namespace_name, "(", pod.uid,
             ")\" failed - error: ", error.message());
}

void end_container(proc::ContainerClient& containers, const Hook& hook, Millis grace,
                   const Log& log) {
  auto asked = containers.stop_container(hook.container_id, grace);
  // It may have ended by itself meanwhile.
  if (asked || asked.error().code() == ErrorCode::not_found) return;
  log.error("stopping container " + hook.container, asked.error());
}

}  // namespace

Hook PodWorker::hook_of(const PodRecord& pod, const ContainerRecord& container,
                        const char* which) const {
  const Json& spec = pod.spec_of(container);
  return {pod.uid,
          container.name,
          container.id,
          pod.ip.value_or(parts_.node.address),
          member(member(spec, "lifecycle"), which),
          member(spec, "ports"),
          Millis(0)};
}

// Hooks may outlive the records, and end when the worker is no more: what they need is copied, the
// rest of it outlives them.

/// The hook takes its time out of the grace; the container is asked to end only after it.
void PodWorker::run_pre_stop(const PodRecord& pod, const ContainerRecord& container, Millis grace) {
  Hook hook = hook_of(pod, container, "preStop");
  hook.timeout = grace;
  auto done = [hook, grace, pod, &containers = parts_.containers, events = parts_.events,
               log = parts_.log](const Result<void>& result, Millis took) {
    if (!result) {
      events(pod, hook.container, "Warning", "FailedPreStopHook",
             hook_failed(hook, pod, result.error()));
    }
    end_container(containers, hook, std::max(grace - took, least_grace), log);
  };
  parts_.hooks.run(std::move(hook), std::move(done));
}

void PodWorker::run_post_start(const PodRecord& pod, const ContainerRecord& container) {
  Hook hook = hook_of(pod, container, "postStart");
  if (!hook.action.is_object()) return;
  auto done = [hook, pod, &containers = parts_.containers, events = parts_.events,
               log = parts_.log](const Result<void>& result, Millis) {
    if (result) return;
    events(pod, hook.container, "Warning", "FailedPostStartHook",
           hook_failed(hook, pod, result.error()));
    events(pod, hook.container, "Normal", "Killing", "FailedPostStartHook");
    end_container(containers, hook, least_grace, log);
  };
  parts_.hooks.run(std::move(hook), std::move(done));
}

}  // namespace hoplab::agent
