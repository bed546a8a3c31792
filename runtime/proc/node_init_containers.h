#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/proc/cgroup.h"
#include "runtime/proc/image_catalog.h"
#include "runtime/proc/node_init_config.h"
#include "runtime/proc/node_init_loop.h"
#include "runtime/proc/node_init_plan.h"
#include "runtime/proc/node_init_spawn.h"
#include "runtime/proc/node_init_streams.h"

namespace hoplab::proc {

/// The pods and containers of a node: the only place that forks them. All state is in memory.
/// Single-threaded; answers that have to wait for a process come through callbacks, which are
/// called from the event loop or before the call returns.
class NodeContainers {
 public:
  using EventSink = std::function<void(const ContainerEvent&)>;
  using Started = std::function<void(Result<ContainerStatus>)>;

  struct Sandbox {
    SandboxStatus status;
    Child pause;
    std::string holder;                            ///< The container that took pause's place.
    std::vector<std::function<void()>> when_gone;  ///< Waiting remove_sandbox calls.
  };

  struct Container {
    ContainerStatus status;
    ProgramPlan program;  ///< What exec inherits.
    int stop_signal = SIGTERM;
    Child process;
    Fd sync;  ///< Until the program runs.
    StartFailure failure;
    Started started;
    std::unique_ptr<ContainerStreams> streams;
    Fd input;  ///< Write end of standard input.
    ContainerCgroup cgroup;
    Fd image;  ///< Keeps a loaded image in its store until the container has ended.
    EventLoop::TimerId kill_timer = 0;
    bool removed = false;  ///< Forget it as soon as it has ended.
  };

  /// A container's streams are there and nothing of its output is read yet.
  using StreamsReady = std::function<void(Container&)>;

  NodeContainers(EventLoop& loop, Log log, const NodeConfig& config, EventSink events);
  NodeContainers(const NodeContainers&) = delete;
  NodeContainers& operator=(const NodeContainers&) = delete;

  Result<SandboxStatus> run_sandbox(const PodSandboxSpec& spec);
  Result<void> stop_sandbox(const std::string& id);
  /// `done` is called once every process of the pod is gone.
  void remove_sandbox(const std::string& id, std::function<void()> done);

  void start_container(const ContainerSpec& spec, Started done);
  Result<void> stop_container(const std::string& id, Millis grace);
  Result<void> kill_container(const std::string& id, int signal);
  Result<void> remove_container(const std::string& id);

  [[nodiscard]] NodeContents list() const;
  [[nodiscard]] Result<ContainerStatus> status(const std::string& id) const;
  /// For exec and attach: a running container, else an error that says what it is.
  Result<Container*> running(const std::string& id);
  Container* find(const std::string& id);
  void when_streams_ready(StreamsReady told) { streams_ready_ = std::move(told); }

  /// Takes note of an ended child; false when it is none of ours.
  bool child_exited(pid_t pid, int wait_status);
  /// Kills everything and removes what is not memory (cgroups). For an orderly end.
  void shut_down();

 private:
  struct ChildStreams;

  Result<void> launch(Container& container, const Sandbox& sandbox, const RootfsSpec& root);
  Result<void> check_startable(const ContainerSpec& spec) const;
  [[nodiscard]] NodeFacts facts() const;
  ContainerCgroup make_cgroup(const ContainerSpec& spec);
  void on_sync(Container& container);
  void finish_start(Container& container);
  void finish_container(Container& container, int wait_status);
  void fail_start(Container& container, int exit_code, const std::string& message);
  void kill_processes(const Container& container, int signal) const;
  void sandbox_ended(Sandbox& sandbox);
  void take_pauses_place(Container& container);
  [[nodiscard]] const Fd& holder_of(const Sandbox& sandbox) const;
  Result<void> start_streams(Container& container, Fd output, Fd error);
  void drop_if_gone(const std::string& sandbox_id);
  void forget(const std::string& id);
  void emit(ContainerEventKind kind, const std::string& sandbox_id, const Container* container);

  EventLoop& loop_;
  Log log_;
  NodeConfig config_;
  EventSink events_;
  StreamsReady streams_ready_;
  ImageCatalog images_;
  CapabilitySet available_ = 0;
  std::string executable_;
  std::optional<CgroupControllers> cgroups_;  ///< Looked for when a limit is first wanted.
  std::map<std::string, Sandbox> sandboxes_;
  std::map<std::string, std::unique_ptr<Container>> containers_;
};

/// The error for an id that is not known here.
Error no_such(std::string_view what, const std::string& id);

/// Now, as statuses carry it.
int64_t status_time();

/// A SOCK_SEQPACKET pair for the time between clone and exec.
Result<std::pair<Fd, Fd>> make_sync_pair();

/// What came over the sync socket so far. `ended` when the child has closed it.
struct SyncNews {
  bool ended = false;
  std::optional<StartFailure> failure;
  Fd terminal;
};
SyncNews read_sync(const Fd& sync);

}  // namespace hoplab::proc
