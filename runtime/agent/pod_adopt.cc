// PodWorker: taking over what node-init still runs after the agent was killed.

#include <charconv>

#include "runtime/agent/pod_worker.h"

namespace hoplab::agent {

namespace {

int number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

void PodWorker::adopt(const proc::NodeContents& contents) {
  for (const auto& sandbox : contents.sandboxes) adopt_sandbox(sandbox, contents);
}

void PodWorker::adopt_sandbox(const proc::SandboxStatus& sandbox,
                              const proc::NodeContents& contents) {
  const auto& own = sandbox.spec.labels;
  PodRecord record;
  record.uid = labels::get(own, labels::pod_uid);
  record.namespace_name = labels::get(own, labels::pod_namespace);
  record.name = labels::get(own, labels::pod_name);
  if (record.uid.empty()) return;  // Not a pod of ours: somebody else's sandbox on this node.
  record.sandbox_id = sandbox.spec.id;
  record.netns_path = sandbox.netns_path;
  if (auto ip = Ipv4::parse(labels::get(own, labels::pod_ip))) record.ip = *ip;
  // An agent killed between sandbox and wiring leaves a pod without a network: such a sandbox has
  // no container yet and is simply made anew.
  for (const auto& status : contents.containers) {
    if (status.spec.sandbox_id != sandbox.spec.id) continue;
    record.network_ready = true;
    ContainerRecord container;
    container.name = labels::get(status.spec.labels, labels::container_name);
    container.restarts = number(labels::get(status.spec.labels, labels::restart_count));
    container.id = status.spec.id;
    ContainerRecord* known = record.find(container.name);
    if (known != nullptr && known->restarts > container.restarts) continue;
    if (known == nullptr) known = &record.containers.emplace_back();
    *known = container;
    if (status.state == proc::ContainerState::running) {
      note_running(record, *known, status);
    } else {
      known->started_at = WallTime(std::chrono::nanoseconds(status.started_at));
      note_exit(record, *known, status);
    }
  }
  if (!sandbox.ready || !record.network_ready) {
    tear_down(record);
    return;
  }
  uids_[record.key()] = record.uid;
  publish(pods_.emplace(record.uid, std::move(record)).first->second);
}

}  // namespace hoplab::agent
