#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/proc/node_init_containers.h"

namespace hoplab::proc {

/// Further processes in running containers. Their streams go straight to the client that asked:
/// node-init only passes the descriptors on. Single-threaded.
class NodeExecs {
 public:
  /// Called once, when the program runs or could not be started: the streams' names and
  /// descriptors, as StreamSession reads them.
  using Answer = std::function<void(Json body, std::vector<Fd> streams)>;
  using Exited = std::function<void(const ExitStatus&)>;

  explicit NodeExecs(EventLoop& loop) : loop_(loop) {}
  NodeExecs(const NodeExecs&) = delete;
  NodeExecs& operator=(const NodeExecs&) = delete;

  /// `client` is whoever asked, for client_gone().
  Result<void> start(uint64_t client, const ExecSpec& spec,
                     const NodeContainers::Container& container, Answer answer, Exited exited);
  /// Kills what was to end with this client.
  void client_gone(uint64_t client);
  /// Takes note of an ended child; false when it is none of ours.
  bool child_exited(pid_t pid, int wait_status);

 private:
  struct Exec {
    uint64_t client = 0;
    bool end_with_client = false;
    Child process;
    Fd sync;
    StartFailure failure;
    std::vector<std::string> names;
    std::vector<Fd> streams;  ///< The client's ends, until they are passed on.
    bool stdin_open = false;
    Answer answer;
    Exited exited;
  };

  Result<void> make_streams(const ExecSpec& spec, Exec& exec, ProgramPlan& plan,
                            std::vector<Fd>& child_ends);
  void on_sync(Exec& exec);
  void send_answer(Exec& exec);

  EventLoop& loop_;
  std::list<Exec> execs_;
};

}  // namespace hoplab::proc
