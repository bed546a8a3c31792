// How node-init starts a container; see node_init_containers.h.

#include <sys/epoll.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>

#include "runtime/base/text.h"
#include "runtime/image/store.h"
#include "runtime/proc/node_init_containers.h"

namespace hoplab::proc {

namespace {

std::string own_hostname() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

PidNamespace pid_namespace_for(const PodSandboxSpec& pod) {
  if (pod.host_pid) return PidNamespace::of_host;
  return pod.share_process_namespace ? PidNamespace::of_sandbox : PidNamespace::own;
}

}  // namespace

/// Both ends of a container's standard streams: the child's go into the plan.
struct NodeContainers::ChildStreams {
  Pipe input, output, error;

  Result<void> open(const ContainerSpec& spec) {
    if (spec.tty) return {};
    if (spec.stdin_open) {
      HOP_TRY(input, make_pipe());
    }
    HOP_TRY(output, make_pipe());
    HOP_TRY(error, make_pipe());
    return {};
  }
};

NodeFacts NodeContainers::facts() const {
  NodeFacts facts;
  facts.hostname = own_hostname();
  facts.resolv_conf = read_file("/etc/resolv.conf", 1U << 20U).value_or("");
  facts.executable = executable_;
  facts.pause_program = config_.state_directory + "/pause";
  struct sysinfo memory {};
  if (::sysinfo(&memory) == 0) {
    facts.writable_bytes = writable_limit(uint64_t{memory.totalram} * memory.mem_unit);
  }
  facts.available = available_;
  return facts;
}

Result<void> NodeContainers::check_startable(const ContainerSpec& spec) const {
  HOP_CHECK(validate(spec).context("container"));
  if (containers_.contains(spec.id)) {
    return Error(ErrorCode::already_exists, "container \"" + spec.id + "\" exists already");
  }
  auto sandbox = sandboxes_.find(spec.sandbox_id);
  if (sandbox == sandboxes_.end()) return no_such("sandbox", spec.sandbox_id);
  if (!sandbox->second.status.ready || !sandbox->second.when_gone.empty()) {
    return Error(ErrorCode::unavailable, "sandbox \"" + spec.sandbox_id + "\" has stopped");
  }
  return {};
}

void NodeContainers::start_container(const ContainerSpec& spec, Started done) {
  if (auto startable = check_startable(spec); !startable) return done(startable.error());
  auto image = images_.resolve(spec.image);
  if (!image) return done(image.error());
  auto held = image->hold_file.empty() ? Fd() : image::hold_image(image->hold_file);
  if (!held) return done(held.error());
  const Sandbox& sandbox = sandboxes_.at(spec.sandbox_id);
  auto plan = plan_container(spec, sandbox.status.spec, *image, facts());
  if (!plan) return done(plan.error());

  Container& container = *(containers_[spec.id] = std::make_unique<Container>());
  container.status.spec = spec;
  container.status.notes = std::move(plan->notes);
  container.status.created_at = status_time();
  container.program = std::move(plan->program);
  container.stop_signal = plan->stop_signal;
  container.image = *std::move(held);
  container.started = std::move(done);
  auto launched = launch(container, sandbox, plan->root);
  if (!launched) fail_start(container, container.failure.exit_code, launched.error().message());
}

/// Fails only when there is no child; what goes wrong later is told by its end.
Result<void> NodeContainers::launch(Container& container, const Sandbox& sandbox,
                                    const RootfsSpec& root) {
  const ContainerSpec& spec = container.status.spec;
  ProgramPlan& program = container.program;
  HOP_CHECK(check_ids_mapped(program.credentials));
  HOP_TRY(LogWriter writer, LogWriter::open(spec.log));
  HOP_TRY(auto sync, make_sync_pair());
  ChildStreams streams;
  HOP_CHECK(streams.open(spec));
  container.cgroup = make_cgroup(spec);
  program.input = streams.input.read_end.get();
  program.output = streams.output.write_end.get();
  program.error = streams.error.write_end.get();
  for (const Fd& file : container.cgroup.join_files) {
    program.cgroup_join_files.push_back(file.get());
  }
  const Fd& pod = holder_of(sandbox);
  auto child = spawn_container(pid_namespace_for(sandbox.status.spec), pod, [&] {
    run_container_child(program, root, pod.get(), sync.second.get());
  });
  program.input = program.output = program.error = -1;
  if (!child) return child.error();
  container.process = *std::move(child);
  container.input = std::move(streams.input.write_end);
  container.sync = std::move(sync.first);
  container.streams =
      std::make_unique<ContainerStreams>(loop_, log_.named(spec.id), std::move(writer));
  auto watched = loop_.watch(container.sync.get(), EPOLLIN,
                             [this, &container](uint32_t) { on_sync(container); });
  if (watched && !spec.tty) {
    watched = start_streams(container, std::move(streams.output.read_end),
                            std::move(streams.error.read_end));
  }
  if (!watched) {
    container.failure.message = watched.error().message();
    ::kill(container.process.pid, SIGKILL);
  }
  return {};
}

Result<void> NodeContainers::start_streams(Container& container, Fd output, Fd error) {
  HOP_CHECK(container.streams->start(std::move(output), std::move(error)));
  if (streams_ready_) streams_ready_(container);
  return {};
}

const Fd& NodeContainers::holder_of(const Sandbox& sandbox) const {
  if (sandbox.holder.empty()) return sandbox.pause.pidfd;
  return containers_.at(sandbox.holder)->process.pidfd;
}

/// Joining takes a process, so pause is needed until the container's own runs.
void NodeContainers::take_pauses_place(Container& container) {
  Sandbox& sandbox = sandboxes_.at(container.status.spec.sandbox_id);
  if (!sandbox.status.spec.first_container_holds || !sandbox.holder.empty()) return;
  if (sandbox.pause.pid == 0) return;  // It died first: the sandbox is over, and so is this.
  ::kill(sandbox.pause.pid, SIGKILL);
  sandbox.pause = {};
  sandbox.holder = container.status.spec.id;
  sandbox.status.pid = container.process.pid;
  sandbox.status.netns_path = str("/proc/", container.process.pid, "/ns/net");
}

ContainerCgroup NodeContainers::make_cgroup(const ContainerSpec& spec) {
  if (spec.resources == ResourceSpec{}) return {};
  if (!cgroups_) {
    cgroups_ = CgroupControllers::find(config_.cgroup_name(), config_.state_directory + "/cgroup");
  }
  ContainerCgroup cgroup = cgroups_->create(spec.id, spec.resources);
  auto& notes = containers_.at(spec.id)->status.notes;
  notes.insert(notes.end(), cgroup.notes.begin(), cgroup.notes.end());
  return cgroup;
}

void NodeContainers::fail_start(Container& container, int exit_code, const std::string& message) {
  container.status.state = ContainerState::exited;
  container.status.exit_code = exit_code;
  container.status.reason = "ContainerCannotRun";
  container.status.message = message;
  container.status.finished_at = status_time();
  CgroupControllers::remove(container.cgroup);
  container.image.reset();
  if (auto started = std::exchange(container.started, nullptr)) started(container.status);
  emit(ContainerEventKind::exited, container.status.spec.sandbox_id, &container);
}

void NodeContainers::on_sync(Container& container) {
  SyncNews news = read_sync(container.sync);
  if (news.failure) container.failure = *std::move(news.failure);
  if (news.terminal) {
    auto started = start_streams(container, std::move(news.terminal), Fd());
    if (!started) log_.error("container " + container.status.spec.id, started.error());
  }
  if (!news.ended) return;
  loop_.forget(container.sync.get());
  container.sync.reset();
  // A child that failed tells so before it closes; its end follows as SIGCHLD.
  if (container.failure.message.empty()) finish_start(container);
}

void NodeContainers::finish_start(Container& container) {
  container.status.state = ContainerState::running;
  container.status.pid = container.process.pid;
  container.status.started_at = status_time();
  take_pauses_place(container);
  if (auto started = std::exchange(container.started, nullptr)) started(container.status);
  emit(ContainerEventKind::started, container.status.spec.sandbox_id, &container);
}

}  // namespace hoplab::proc
