#include "runtime/proc/node_init_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr size_t most_connections = 1000;

}  // namespace

NodeServer::NodeServer(EventLoop& loop, Log log, NodeContainers& containers)
    : loop_(loop), log_(std::move(log)), containers_(containers), execs_(loop) {
  containers_.when_streams_ready(
      [this](NodeContainers::Container& container) { attach_waiting(container); });
}

Result<void> NodeServer::listen(const std::string& path) {
  HOP_TRY(listener_, listen_at(path, SOCK_NONBLOCK));
  return loop_.watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept(); });
}

void NodeServer::accept() {
  Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return;
  if (!is_own_user(fd.get()) || connections_.size() >= most_connections) {
    log_.warning("a connection was refused: foreign user or too many connections");
    return;
  }
  ConnectionId id = next_id_++;
  int number = fd.get();
  connections_[id] = std::make_unique<Connection>(MessageSocket(std::move(fd)));
  auto watched =
      loop_.watch(number, EPOLLIN, [this, id](uint32_t events) { on_ready(id, events); });
  if (!watched) connections_.erase(id);
}

void NodeServer::update_watch(const Connection& connection) {
  uint32_t events = connection.busy ? 0U : static_cast<uint32_t>(EPOLLIN);
  if (connection.socket.wants_to_write()) events |= EPOLLOUT;
  loop_.change(connection.socket.fd(), events);
}

void NodeServer::close(ConnectionId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  loop_.forget(found->second->socket.fd());
  std::string attached_to = found->second->attached_to;
  connections_.erase(found);
  std::erase_if(waiting_, [id](const auto& entry) { return entry.second == id; });
  execs_.client_gone(id);
  if (attached_to.empty()) return;
  NodeContainers::Container* container = containers_.find(attached_to);
  if (container != nullptr && container->streams) container->streams->detach(id);
}

void NodeServer::on_ready(ConnectionId id, uint32_t events) {
  Connection& connection = *connections_.at(id);
  if ((events & EPOLLOUT) != 0) {
    if (auto flushed = connection.socket.flush(); !flushed) return close(id);
    update_watch(connection);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  // Even with a request under way a hang-up must be seen, or it would be reported for ever.
  if (connection.busy) return close(id);
  read_requests(id);
}

void NodeServer::read_requests(ConnectionId id) {
  for (;;) {
    auto found = connections_.find(id);
    if (found == connections_.end() || found->second->busy) return;
    auto message = found->second->socket.receive_ready();
    if (!message) {
      if (message.error().code() != ErrorCode::unavailable) {
        log_.warning("a client's message was refused: " + message.error().message());
        refuse(id, message.error());
      }
      return close(id);
    }
    if (!*message) return;
    if (found->second->session || found->second->subscribed) return close(id);
    handle(id, (*message)->body);
  }
}

void NodeServer::handle(ConnectionId id, const Json& request) {
  std::string op = string_or(request, "op");
  if (op == "run_sandbox") return run_sandbox(id, request);
  if (op == "start_container") return start_container(id, request);
  if (op == "exec") return exec(id, request);
  if (op == "list") return answer(id, to_json(containers_.list()));
  if (op == "subscribe") {
    answer(id, Json::object());
    if (connections_.contains(id)) connections_.at(id)->subscribed = true;
    return;
  }
  handle_id(id, op, request);
}

void NodeServer::handle_id(ConnectionId id, const std::string& op, const Json& request) {
  std::string object = string_or(request, "id");
  if (op == "stop_sandbox") {
    auto stopped = containers_.stop_sandbox(object);
    bool gone = !stopped && stopped.error().code() == ErrorCode::not_found;
    answer(id, gone ? Result<void>() : stopped);
  } else if (op == "remove_sandbox") {
    connections_.at(id)->busy = true;
    containers_.remove_sandbox(object, [this, id] { answer(id, Json::object()); });
    if (connections_.contains(id)) update_watch(*connections_.at(id));
  } else if (op == "stop_container") {
    answer(id, containers_.stop_container(object, Millis(int_or(request, "graceMillis"))));
  } else if (op == "kill_container") {
    int64_t signal = int_or(request, "signal");
    bool fits = signal > 0 && signal < std::numeric_limits<int>::max();
    answer(id, containers_.kill_container(object, fits ? static_cast<int>(signal) : -1));
  } else if (op == "remove_container") {
    answer(id, containers_.remove_container(object));
  } else if (op == "status") {
    auto status = containers_.status(object);
    if (!status) return refuse(id, status.error());
    answer(id, {{"container", to_json(*status)}});
  } else if (op == "attach") {
    attach(id, request);
  } else {
    refuse(id, Error(ErrorCode::bad_request, "op: \"" + op + "\" is no request of node-init"));
  }
}

void NodeServer::run_sandbox(ConnectionId id, const Json& request) {
  auto spec = sandbox_spec_from_json(member(request, "spec"));
  if (!spec) return refuse(id, std::move(spec).error().context("sandbox"));
  auto status = containers_.run_sandbox(*spec);
  if (!status) return refuse(id, status.error());
  auto netns = open_fd(status->netns_path, 0);
  if (!netns) return refuse(id, netns.error());
  std::vector<Fd> descriptors;
  descriptors.push_back(*std::move(netns));
  answer(id, {{"sandbox", to_json(*status)}}, std::move(descriptors));
}

void NodeServer::start_container(ConnectionId id, const Json& request) {
  auto spec = container_spec_from_json(member(request, "spec"));
  if (!spec) return refuse(id, std::move(spec).error().context("container"));
  connections_.at(id)->busy = true;
  containers_.start_container(*spec, [this, id](const Result<ContainerStatus>& status) {
    if (!status) return refuse(id, status.error());
    answer(id, {{"container", to_json(*status)}});
  });
  if (connections_.contains(id)) update_watch(*connections_.at(id));
}

void NodeServer::exec(ConnectionId id, const Json& request) {
  auto spec = exec_spec_from_json(member(request, "spec"));
  if (!spec) return refuse(id, std::move(spec).error().context("exec"));
  auto container = containers_.running(spec->container_id);
  if (!container) return refuse(id, container.error());
  connections_.at(id)->busy = true;
  auto started = execs_.start(
      id, *spec, **container,
      [this, id](const Json& body, std::vector<Fd> streams) {
        if (connections_.contains(id)) connections_.at(id)->session = true;
        answer(id, body, std::move(streams));
      },
      [this, id](const ExitStatus& status) {
        answer(id, {{"exit", to_json(status)}});
      });
  if (!started) return refuse(id, started.error());
  if (connections_.contains(id)) update_watch(*connections_.at(id));
}

void NodeServer::attach(ConnectionId id, const Json& request) {
  std::string container_id = string_or(request, "id");
  if (bool_or(request, "whenStarted")) {
    if (containers_.find(container_id) != nullptr) {
      return refuse(id, Error(ErrorCode::already_exists,
                              "container \"" + container_id + "\" was started already"));
    }
    waiting_.emplace(container_id, id);
    return answer(id, {{"waiting", true}});
  }
  auto container = containers_.running(container_id);
  if (!container) return refuse(id, container.error());
  if (auto attached = attach_to(id, **container); !attached) refuse(id, attached.error());
}

void NodeServer::attach_waiting(NodeContainers::Container& container) {
  auto waiting = waiting_.extract(container.status.spec.id);
  for (; waiting; waiting = waiting_.extract(container.status.spec.id)) {
    ConnectionId id = waiting.mapped();
    if (auto attached = attach_to(id, container); !attached) refuse(id, attached.error());
  }
}

Result<void> NodeServer::attach_to(ConnectionId id, NodeContainers::Container& container) {
  const ContainerSpec& spec = container.status.spec;
  std::vector<std::string> names;
  std::vector<Fd> descriptors;
  auto add = [&](const char* name, Fd fd) {
    names.emplace_back(name);
    descriptors.push_back(std::move(fd));
  };
  HOP_TRY(Pipe output, make_pipe());
  add("output", std::move(output.read_end));
  Pipe error;
  if (!spec.tty) {
    HOP_TRY(error, make_pipe());
    add("error", std::move(error.read_end));
  }
  if (spec.tty && container.streams->output()) {
    HOP_TRY(Fd terminal, container.streams->output().duplicate());
    add("terminal", std::move(terminal));
  }
  if (container.input) {
    HOP_TRY(Fd input, container.input.duplicate());
    add("input", std::move(input));
    // The client now holds the only write end: when it closes it, the program reads its end.
    if (spec.stdin_once) container.input.reset();
  }
  HOP_CHECK(container.streams->attach(id, std::move(output.write_end), std::move(error.write_end)));
  Connection& connection = *connections_.at(id);
  connection.attached_to = spec.id;
  connection.session = true;
  answer(id, {{"streams", names}, {"stdin", spec.stdin_open}}, std::move(descriptors));
  return {};
}

void NodeServer::answer(ConnectionId id, const Result<void>& result) {
  if (!result) return refuse(id, result.error());
  answer(id, Json::object());
}

void NodeServer::answer(ConnectionId id, const Json& body, std::vector<Fd> descriptors) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;  // the client has gone meanwhile
  found->second->busy = false;
  if (auto sent = found->second->socket.queue(body, std::move(descriptors)); !sent) {
    // A client that left before its exec ended is nothing to report.
    if (sent.error().code() != ErrorCode::unavailable) {
      log_.error("answering a client", sent.error());
    }
    return close(id);
  }
  update_watch(*found->second);
}

void NodeServer::publish(const ContainerEvent& event) {
  Json news{{"event", to_json(event)}};
  std::vector<ConnectionId> subscribers;
  std::vector<ConnectionId> attached;
  for (const auto& [id, connection] : connections_) {
    if (connection->subscribed) subscribers.push_back(id);
    bool ends = event.kind == ContainerEventKind::exited && !event.container_id.empty();
    if (ends && connection->attached_to == event.container_id) attached.push_back(id);
  }
  for (ConnectionId id : subscribers) answer(id, news);
  ExitStatus status{event.status.exit_code, event.status.signal, event.status.message};
  for (ConnectionId id : attached) {
    connections_.at(id)->attached_to.clear();
    answer(id, {{"exit", to_json(status)}});
  }
}

}  // namespace hoplab::proc
