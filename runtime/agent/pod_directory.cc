#include "runtime/agent/pod_directory.h"

#include "runtime/agent/container_spec.h"
#include "runtime/agent/pod_sync.h"
#include "runtime/base/text.h"

namespace hoplab::agent {

namespace {

std::string why_waiting(const std::string& reason) {
  if (reason == "ErrImagePull") return "image can't be pulled";
  if (reason == "ImagePullBackOff") return "trying and failing to pull image";
  return reason;
}

}  // namespace

PodDirectory::Container PodDirectory::describe(const PodRecord& pod, const ContainerRecord& c) {
  const Json& spec = pod.spec_of(c);
  // While it waits for its next start, the run that has ended is the previous one.
  bool waits = c.phase == ContainerPhase::waiting ||
               (c.phase == ContainerPhase::exited && c.back_off.count() > 0 &&
                restarts_after(pod, c) && !pod.deleting());
  int previous = waits ? c.restarts : c.restarts - 1;
  return {c.name,
          c.init,
          c.waiting_reason,
          {c.id, log_path(pod, c, c.restarts), previous >= 0 ? log_path(pod, c, previous) : "",
           c.phase == ContainerPhase::running, bool_or(spec, "tty"), bool_or(spec, "stdin")}};
}

void PodDirectory::publish(const PodRecord& pod) {
  Pod entry{pod.uid, pod.netns_path, {}};
  for (const ContainerRecord& each : pod.containers) {
    entry.containers.push_back(describe(pod, each));
  }
  (*pods_.lock())[pod.key()] = std::move(entry);
}

void PodDirectory::forget(const PodRecord& pod) {
  auto pods = pods_.lock();
  auto found = pods->find(pod.key());
  if (found != pods->end() && found->second.uid == pod.uid) pods->erase(found);
}

Result<PodDirectory::Pod> PodDirectory::find_pod(const std::string& namespace_name,
                                                 const std::string& pod) const {
  auto pods = pods_.lock();
  auto found = pods->find(namespace_name + "/" + pod);
  if (found == pods->end()) {
    return Error(ErrorCode::not_found, "pod \"" + pod + "\" is not on this node");
  }
  return found->second;
}

Result<std::string> PodDirectory::find_netns(const std::string& namespace_name,
                                             const std::string& pod) const {
  HOP_TRY(const Pod found, find_pod(namespace_name, pod));
  if (found.netns_path.empty()) {
    return Error(ErrorCode::unavailable, "pod \"" + pod + "\" is not running");
  }
  return found.netns_path;
}

Result<PodDirectory::ContainerHandle> PodDirectory::find_container(
    const std::string& namespace_name, const std::string& pod, const std::string& container) const {
  HOP_TRY(const Pod found, find_pod(namespace_name, pod));
  for (const Container& each : found.containers) {
    if (!container.empty() ? each.name != container : each.init) continue;
    if (!each.handle.id.empty()) return each.handle;
    return Error(ErrorCode::bad_request,
                 str("container \"", each.name, "\" in pod \"", pod,
                     "\" is waiting to start: ", why_waiting(each.waiting_reason)));
  }
  return Error(ErrorCode::bad_request, str("container ", container, " is not valid for pod ", pod));
}

}  // namespace hoplab::agent
