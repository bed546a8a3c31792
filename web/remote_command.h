#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "web/client.h"

namespace hoplab::web {

struct RemoteCommandOptions {
  std::string container;             ///< Empty = the pod's default.
  std::vector<std::string> command;  ///< Empty = attach.
  bool input = false;
  bool tty = false;
};

/// The client's side of exec and attach: a process in a pod, through the API server.
///   HOP_TRY(auto process, RemoteProcess::open(client, "default", "web", options));
///   HOP_TRY(int code, process->run(0, 1, 2));
/// resize() and end_input() may come from any thread while run() runs.
class RemoteProcess {
 public:
  static Result<std::unique_ptr<RemoteProcess>> open(Client& client,
                                                     const std::string& namespace_name,
                                                     const std::string& pod,
                                                     const RemoteCommandOptions& options);
  RemoteProcess(const RemoteProcess&) = delete;
  RemoteProcess& operator=(const RemoteProcess&) = delete;
  ~RemoteProcess();

  /// Carries the streams between the process and three descriptors (not owned) until it ends.
  /// The exit code (always 0 for attach: the pod's status has it). Fails when the process could not
  /// be started or the connection broke.
  Result<int> run(int input, int output, int error);
  void resize(uint16_t rows, uint16_t columns);

 private:
  struct State;
  explicit RemoteProcess(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Carries one TCP connection (taken over) to a port of a pod until either side ends. Errors are
/// those that the agent reports: nobody listens there, …
Result<void> forward_connection(Client& client, const std::string& namespace_name,
                                const std::string& pod, uint16_t port, Fd local);

}  // namespace hoplab::web
