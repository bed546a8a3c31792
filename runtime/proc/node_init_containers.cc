#include "runtime/proc/node_init_containers.h"

#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/proc/namespaces.h"
#include "runtime/proc/pause_program.h"
#include "runtime/proc/spawn.h"

namespace hoplab::proc {

Error no_such(std::string_view what, const std::string& id) {
  return Error(ErrorCode::not_found, str("no ", what, " with id \"", id, "\" on this node"));
}

NodeContainers::NodeContainers(EventLoop& loop, Log log, const NodeConfig& config, EventSink events)
    : loop_(loop),
      log_(std::move(log)),
      config_(config),
      events_(std::move(events)),
      images_(config.image_folder),
      available_(permitted_capabilities().value_or(CapabilitySet{0})),
      executable_(own_executable().value_or("/proc/self/exe")) {}

Result<SandboxStatus> NodeContainers::run_sandbox(const PodSandboxSpec& spec) {
  HOP_CHECK(validate(spec).context("sandbox"));
  auto existing = sandboxes_.find(spec.id);
  if (existing != sandboxes_.end()) {
    if (existing->second.status.spec == spec && existing->second.status.ready) {
      return existing->second.status;
    }
    return Error(ErrorCode::already_exists, "sandbox \"" + spec.id + "\" exists already");
  }
  std::string program = config_.state_directory + "/pause";
  if (sandboxes_.empty()) HOP_CHECK(install_pause_program(program));
  HOP_TRY(Child pause, spawn_sandbox(spec, program).context("sandbox \"" + spec.id + "\""));
  Sandbox& sandbox = sandboxes_[spec.id];
  sandbox.status.spec = spec;
  sandbox.status.ready = true;
  sandbox.status.pid = pause.pid;
  sandbox.status.netns_path = str("/proc/", pause.pid, "/ns/net");
  sandbox.status.created_at = status_time();
  sandbox.pause = std::move(pause);
  return sandbox.status;
}

Result<void> NodeContainers::stop_sandbox(const std::string& id) {
  auto found = sandboxes_.find(id);
  if (found == sandboxes_.end()) return no_such("sandbox", id);
  for (auto& [container_id, container] : containers_) {
    if (container->status.spec.sandbox_id == id) kill_processes(*container, SIGKILL);
  }
  if (found->second.pause.pid != 0) ::kill(found->second.pause.pid, SIGKILL);
  return {};
}

void NodeContainers::remove_sandbox(const std::string& id, std::function<void()> done) {
  auto found = sandboxes_.find(id);
  if (found == sandboxes_.end()) return done();
  found->second.when_gone.push_back(std::move(done));
  (void)stop_sandbox(id).ok();
  drop_if_gone(id);
}

void NodeContainers::drop_if_gone(const std::string& sandbox_id) {
  auto found = sandboxes_.find(sandbox_id);
  if (found == sandboxes_.end() || found->second.when_gone.empty() || found->second.status.ready) {
    return;
  }
  for (auto& [id, container] : containers_) {
    if (container->status.spec.sandbox_id == sandbox_id && container->process.pid != 0) return;
  }
  std::erase_if(containers_, [&](const auto& entry) {
    return entry.second->status.spec.sandbox_id == sandbox_id;
  });
  auto waiting = std::move(found->second.when_gone);
  sandboxes_.erase(found);
  for (auto& done : waiting) done();
}

void NodeContainers::sandbox_ended(Sandbox& sandbox) {
  sandbox.status.ready = false;
  sandbox.status.pid = 0;
  sandbox.pause = {};
  std::string id = sandbox.status.spec.id;
  // Without pause the pod's containers have no pod any more. Docker's do not depend on each other.
  if (sandbox.holder.empty()) (void)stop_sandbox(id).ok();
  emit(ContainerEventKind::sandbox_stopped, id, nullptr);
  drop_if_gone(id);
}

void NodeContainers::finish_container(Container& container, int wait_status) {
  if (container.sync) on_sync(container);
  if (container.sync) {
    loop_.forget(container.sync.get());
    container.sync.reset();
  }
  if (container.kill_timer != 0) loop_.cancel(std::exchange(container.kill_timer, 0));
  container.streams->finish();
  container.input.reset();
  container.process = {};
  container.image.reset();
  ContainerStatus& status = container.status;
  status.pid = 0;
  status.oom_killed = cgroups_ && cgroups_->oom_kills(container.cgroup) > 0;
  if (status.state == ContainerState::created) {
    std::string why = container.failure.message.empty() ? "killed before its program ran"
                                                        : container.failure.message;
    fail_start(container, container.failure.exit_code, why);
  } else {
    status.state = ContainerState::exited;
    status.exit_code = exit_code_of(wait_status);
    status.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    status.reason = status.exit_code == 0 ? "Completed" : "Error";
    if (status.oom_killed) status.reason = "OOMKilled";
    status.finished_at = status_time();
    CgroupControllers::remove(container.cgroup);
    emit(ContainerEventKind::exited, status.spec.sandbox_id, &container);
  }
  std::string sandbox_id = status.spec.sandbox_id;
  auto sandbox = sandboxes_.find(sandbox_id);
  bool held = sandbox != sandboxes_.end() && sandbox->second.holder == status.spec.id;
  if (container.removed) forget(status.spec.id);
  if (held) {
    sandbox_ended(sandbox->second);
  } else {
    drop_if_gone(sandbox_id);
  }
}

void NodeContainers::kill_processes(const Container& container, int signal) const {
  pid_t pid = container.process.pid;
  if (pid == 0) return;
  ::kill(pid, signal);
  // Without a pid namespace of its own nothing else ends what the program has started.
  auto sandbox = sandboxes_.find(container.status.spec.sandbox_id);
  bool shared =
      sandbox != sandboxes_.end() &&
      (sandbox->second.status.spec.host_pid || sandbox->second.status.spec.share_process_namespace);
  if (shared && signal == SIGKILL) ::kill(-pid, SIGKILL);
}

Result<void> NodeContainers::stop_container(const std::string& id, Millis grace) {
  Container* container = find(id);
  if (container == nullptr) return no_such("container", id);
  if (container->process.pid == 0) return {};
  if (grace.count() <= 0) {
    kill_processes(*container, SIGKILL);
    return {};
  }
  kill_processes(*container, container->stop_signal);
  if (container->kill_timer != 0) loop_.cancel(container->kill_timer);
  container->kill_timer = loop_.after(grace, [this, container] {
    container->kill_timer = 0;
    kill_processes(*container, SIGKILL);
  });
  return {};
}

Result<void> NodeContainers::kill_container(const std::string& id, int signal) {
  if (signal < 1 || signal >= NSIG) {
    return Error(ErrorCode::invalid, str("signal: ", signal, " is no signal's number"));
  }
  Container* container = find(id);
  if (container == nullptr) return no_such("container", id);
  kill_processes(*container, signal);
  return {};
}

Result<void> NodeContainers::remove_container(const std::string& id) {
  Container* container = find(id);
  if (container == nullptr) return {};
  container->removed = true;
  if (container->process.pid != 0) {
    kill_processes(*container, SIGKILL);
  } else {
    forget(id);
  }
  return {};
}

void NodeContainers::forget(const std::string& id) {
  containers_.erase(containers_.find(id));  // by place: the id may be the container's own
}

NodeContents NodeContainers::list() const {
  NodeContents contents;
  for (const auto& [id, sandbox] : sandboxes_) contents.sandboxes.push_back(sandbox.status);
  for (const auto& [id, container] : containers_) {
    if (!container->removed) contents.containers.push_back(container->status);
  }
  auto by_age = [](const auto& a, const auto& b) { return a.created_at < b.created_at; };
  std::stable_sort(contents.sandboxes.begin(), contents.sandboxes.end(), by_age);
  std::stable_sort(contents.containers.begin(), contents.containers.end(), by_age);
  return contents;
}

NodeContainers::Container* NodeContainers::find(const std::string& id) {
  auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : found->second.get();
}

Result<ContainerStatus> NodeContainers::status(const std::string& id) const {
  auto found = containers_.find(id);
  if (found == containers_.end()) return no_such("container", id);
  return found->second->status;
}

Result<NodeContainers::Container*> NodeContainers::running(const std::string& id) {
  Container* container = find(id);
  if (container == nullptr) return no_such("container", id);
  if (container->status.state != ContainerState::running) {
    return Error(ErrorCode::unavailable, "container \"" + id + "\" is not running");
  }
  return container;
}

bool NodeContainers::child_exited(pid_t pid, int wait_status) {
  for (auto& [id, container] : containers_) {
    if (container->process.pid != pid) continue;
    finish_container(*container, wait_status);
    return true;
  }
  for (auto& [id, sandbox] : sandboxes_) {
    if (sandbox.pause.pid != pid || pid == 0) continue;
    sandbox_ended(sandbox);
    return true;
  }
  return false;
}

void NodeContainers::shut_down() {
  for (auto& [id, container] : containers_) kill_processes(*container, SIGKILL);
  for (auto& [id, sandbox] : sandboxes_) {
    if (sandbox.pause.pid != 0) ::kill(sandbox.pause.pid, SIGKILL);
  }
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  for (auto& [id, container] : containers_) CgroupControllers::remove(container->cgroup);
  if (cgroups_) cgroups_->remove_all();
}

void NodeContainers::emit(ContainerEventKind kind, const std::string& sandbox_id,
                          const Container* container) {
  ContainerEvent event;
  event.kind = kind;
  event.sandbox_id = sandbox_id;
  if (container != nullptr) {
    event.container_id = container->status.spec.id;
    event.status = container->status;
  }
  events_(event);
}

}  // namespace hoplab::proc
