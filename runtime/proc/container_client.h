#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"
#include "runtime/proc/container_wire.h"

namespace hoplab::proc {

inline constexpr const char* node_socket_path = "/run/hoplab/node.sock";

/// The streams of a process in a container: from exec() or attach(). Owns its descriptors and one
/// connection to node-init. One thread at a time, but the streams themselves may be read and
/// written by different threads. Descriptors are blocking.
class StreamSession {
 public:
  /// From node-init's answer to exec or attach: the descriptors, named by its "streams" list.
  static Result<StreamSession> from_answer(MessageSocket socket, Message answer);
  StreamSession(StreamSession&&) noexcept = default;
  StreamSession& operator=(StreamSession&&) noexcept = default;

  /// With a tty, `input` and `output` are both the terminal and `error` is not valid. `input` is
  /// not valid when the process has no standard input. End of output: read() returns 0, or fails
  /// with EIO on a terminal.
  [[nodiscard]] Fd& input() { return input_; }
  [[nodiscard]] Fd& output() { return output_; }
  [[nodiscard]] Fd& error() { return error_; }
  [[nodiscard]] bool tty() const { return tty_; }

  /// Ends standard input (has no effect on a terminal: send 0x04 there).
  void close_input();
  /// Tells a terminal its new size; an error without one.
  Result<void> resize(uint16_t rows, uint16_t columns);
  /// The exit status; nullopt when the time is up. May be asked again.
  Result<std::optional<ExitStatus>> wait(Millis timeout);
  /// Readable when wait() would not block.
  [[nodiscard]] int exit_fd() const { return socket_.fd(); }

 private:
  explicit StreamSession(MessageSocket socket) : socket_(std::move(socket)) {}

  MessageSocket socket_;
  Fd input_;
  Fd output_;
  Fd error_;
  Fd terminal_;
  bool tty_ = false;
  std::optional<ExitStatus> exit_;
};

/// A wish to attach to a container that is yet to start: nothing of its output is missed.
class PendingAttach {
 public:
  explicit PendingAttach(MessageSocket socket) : socket_(std::move(socket)) {}
  /// Once the container has been started; used up by this. `timed_out` when it was not.
  Result<StreamSession> take(Millis timeout) &&;

 private:
  MessageSocket socket_;
};

/// The node's events from the moment of subscribing. Own connection; one thread at a time.
class EventSubscription {
 public:
  explicit EventSubscription(MessageSocket socket) : socket_(std::move(socket)) {}
  /// Pollable: readable when next() would not block.
  [[nodiscard]] int fd() const { return socket_.fd(); }
  /// The next event; nullopt when the time is up; `unavailable` when node-init is gone.
  Result<std::optional<ContainerEvent>> next(Millis timeout);

 private:
  MessageSocket socket_;
};

/// What run_sandbox() answers.
struct RunningSandbox {
  SandboxStatus status;
  Fd netns;  ///< The pod's network namespace (the node's own with host_network).
};

/// Speaks to node-init, which alone forks containers. All calls may come from any thread: they use
/// one connection, one after the other (exec, attach and subscribe open a connection each). A
/// lost connection is opened again on the next call. Errors carry node-init's own code and
/// message: `not_found`, `already_exists`, `invalid` (bad spec), `unavailable` (node-init gone).
class ContainerClient {
 public:
  static Result<std::unique_ptr<ContainerClient>> connect(
      const std::string& socket_path = node_socket_path);

  /// Makes the pod's namespaces, with `lo` up. Repeating it with an equal spec gives the sandbox
  /// that exists; with another spec of the same id it fails with `already_exists`.
  Result<RunningSandbox> run_sandbox(const PodSandboxSpec& spec);
  /// Kills the pod's containers and pause; statuses stay readable. Fine when already stopped.
  Result<void> stop_sandbox(const std::string& id);
  /// Also forgets sandbox and containers. Fine when there is no such sandbox.
  Result<void> remove_sandbox(const std::string& id);

  /// Returns when the container's program runs. When it cannot be started (unknown command, bad
  /// mount, …) that is no error of the call: the status is `exited`, with reason
  /// "ContainerCannotRun", an exit code of 126 to 128 and a message. An unknown image is the error
  /// `not_found`.
  Result<ContainerStatus> start_container(const ContainerSpec& spec);
  /// SIGTERM now, SIGKILL after `grace`; returns at once, the end comes as an event. A grace of 0
  /// kills at once.
  Result<void> stop_container(const std::string& id, Millis grace);
  Result<void> kill_container(const std::string& id, int signal);
  /// Forgets an exited container; a running one is killed first. Log files stay. Fine when gone.
  Result<void> remove_container(const std::string& id);

  /// Everything node-init knows: what a restarted agent adopts its pods from.
  Result<NodeContents> list();
  Result<ContainerStatus> status(const std::string& container_id);

  Result<StreamSession> exec(const ExecSpec& spec);
  /// The container's own streams from now on (what was written before is in the log).
  Result<StreamSession> attach(const std::string& container_id);
  /// Before start_container() of that id, by whoever calls that.
  Result<PendingAttach> attach_when_started(const std::string& container_id);
  Result<EventSubscription> subscribe();

 private:
  explicit ContainerClient(std::string path) : path_(std::move(path)) {}
  Result<Message> call(const Json& request);
  Result<MessageSocket> open() const;

  std::string path_;
  std::mutex mutex_;
  std::optional<MessageSocket> socket_;
};

}  // namespace hoplab::proc
