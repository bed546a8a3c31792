#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/base/log.h"
#include "runtime/proc/container_wire.h"
#include "runtime/proc/node_init_containers.h"
#include "runtime/proc/node_init_exec.h"

namespace hoplab::proc {

/// Answers ContainerClients on /run/hoplab/node.sock. A connection has one request under way at a
/// time; exec, attach and subscribe turn it into a one-way stream of news. Only processes of
/// node-init's own user are served.
class NodeServer {
 public:
  NodeServer(EventLoop& loop, Log log, NodeContainers& containers);
  NodeServer(const NodeServer&) = delete;
  NodeServer& operator=(const NodeServer&) = delete;

  /// Replaces what an earlier node-init left at the path.
  Result<void> listen(const std::string& path);
  /// Tells subscribers and attached clients.
  void publish(const ContainerEvent& event);
  bool child_exited(pid_t pid, int wait_status) { return execs_.child_exited(pid, wait_status); }

 private:
  struct Connection {
    explicit Connection(MessageSocket connected) : socket(std::move(connected)) {}
    MessageSocket socket;
    bool busy = false;        ///< A request waits for a process; no other is read meanwhile.
    bool subscribed = false;  ///< Gets events.
    bool session = false;     ///< exec or attach: sends nothing more.
    std::string attached_to;  ///< Container id.
  };
  using ConnectionId = uint64_t;

  void accept();
  void on_ready(ConnectionId id, uint32_t events);
  void read_requests(ConnectionId id);
  void handle(ConnectionId id, const Json& request);
  void handle_id(ConnectionId id, const std::string& op, const Json& request);
  void start_container(ConnectionId id, const Json& request);
  void run_sandbox(ConnectionId id, const Json& request);
  void exec(ConnectionId id, const Json& request);
  void attach(ConnectionId id, const Json& request);
  Result<void> attach_to(ConnectionId id, NodeContainers::Container& container);
  void attach_waiting(NodeContainers::Container& container);
  void answer(ConnectionId id, const Json& body, std::vector<Fd> descriptors = {});
  void answer(ConnectionId id, const Result<void>& result);
  void refuse(ConnectionId id, const Error& error) { answer(id, error_to_json(error)); }
  void close(ConnectionId id);
  void update_watch(const Connection& connection);

  EventLoop& loop_;
  Log log_;
  NodeContainers& containers_;
  NodeExecs execs_;
  Fd listener_;
  std::map<ConnectionId, std::unique_ptr<Connection>> connections_;
  /// Who wants to attach to containers that are not there yet, by container id.
  std::multimap<std::string, ConnectionId> waiting_;
  ConnectionId next_id_ = 1;
};

}  // namespace hoplab::proc
