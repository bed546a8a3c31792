#include "runtime/engine/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <functional>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/proc/container_wire.h"

namespace hoplab::engine {

namespace {

constexpr int most_connections = 200;
constexpr Millis for_ever{24 * 3600 * 1000};

template <typename T>
Json list_json(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

Result<Json> with_container(Result<Container> container) {
  HOP_TRY(const Container value, std::move(container));
  return Json{{"container", to_json(value)}};
}

Result<Json> nothing(Result<void> result) {
  HOP_CHECK(std::move(result));
  return Json::object();
}

Result<std::vector<std::string>> texts(const Json& request, const char* key) {
  std::vector<std::string> out;
  const Json& list = member(request, key);
  if (list.is_null()) return out;
  for (const Json& item : list) {
    if (!item.is_string()) return Error(ErrorCode::bad_request, str(key, ": expected strings"));
    out.push_back(item.get<std::string>());
  }
  return out;
}

template <typename T>
Result<std::optional<T>> optional_address(const Json& request, const char* key) {
  const std::string text = string_or(request, key);
  if (text.empty()) return std::optional<T>();
  HOP_TRY(const T value, T::parse(text).context(key));
  return std::optional<T>(value);
}

Result<Json> create_network(Engine& engine, const Json& request) {
  NetworkWish wish;
  wish.name = string_or(request, "name");
  wish.driver = string_or(request, "driver", "bridge");
  wish.internal = bool_or(request, "internal");
  HOP_TRY(wish.subnet, optional_address<Prefix>(request, "subnet"));
  HOP_TRY(wish.gateway, optional_address<Ipv4>(request, "gateway"));
  for (const auto& [key, value] : member(request, "labels").items()) {
    if (value.is_string()) wish.labels[key] = value.get<std::string>();
  }
  HOP_TRY(const Network network, engine.create_network(wish));
  return Json{{"network", to_json(network)}};
}

Result<Json> connect(Engine& engine, const Json& request) {
  HOP_TRY(const auto ip, optional_address<Ipv4>(request, "ip"));
  HOP_TRY(const auto aliases, texts(request, "aliases"));
  return nothing(
      engine.connect(string_or(request, "network"), string_or(request, "name"), ip, aliases));
}

Result<Json> on_network(Engine& engine, const std::string& op, const Json& request) {
  const std::string name = string_or(request, "network");
  if (op == "network_create") return create_network(engine, request);
  if (op == "network_connect") return connect(engine, request);
  if (op == "network_disconnect") {
    return nothing(engine.disconnect(name, string_or(request, "name"), bool_or(request, "force")));
  }
  if (op == "network_remove") return nothing(engine.remove_network(name));
  if (op == "network_find") {
    HOP_TRY(const Network network, engine.find_network(name));
    return Json{{"network", to_json(network)}};
  }
  if (op == "networks") return Json{{"networks", list_json(engine.list_networks())}};
  return Error(ErrorCode::bad_request, "op: \"" + op + "\" is no request of the engine");
}

Result<Json> on_container(Engine& engine, const std::string& op, const Json& request,
                          const std::function<bool()>& client_gone) {
  const std::string name = string_or(request, "name");
  if (op == "list") return Json{{"containers", list_json(engine.list())}};
  if (op == "create") {
    HOP_TRY(ContainerConfig config, config_from_json(member(request, "config")));
    return with_container(engine.create(std::move(config)));
  }
  if (op == "find") return with_container(engine.find(name));
  if (op == "start") return with_container(engine.start(name));
  if (op == "stop") {
    return with_container(engine.stop(name, Millis(int_or(request, "graceMillis"))));
  }
  if (op == "restart") {
    return with_container(engine.restart(name, Millis(int_or(request, "graceMillis"))));
  }
  if (op == "kill") {
    return with_container(engine.kill(name, static_cast<int>(int_or(request, "signal"))));
  }
  if (op == "remove") return nothing(engine.remove(name, bool_or(request, "force")));
  if (op == "rename") return with_container(engine.rename(name, string_or(request, "to")));
  if (op == "wait")
    return with_container(engine.wait(name, bool_or(request, "removed"), client_gone));
  return on_network(engine, op, request);
}

void serve(Engine& engine, Fd connection) {
  proc::MessageSocket socket(std::move(connection));
  for (;;) {
    auto message = socket.receive(for_ever);
    if (!message || !*message) return;  // the client has gone
    const auto gone = [&socket] {
      pollfd client{socket.fd(), POLLRDHUP, 0};
      return ::poll(&client, 1, 0) > 0 && (client.revents & (POLLRDHUP | POLLHUP)) != 0;
    };
    if (!socket.send(answer_request(engine, (*message)->body, gone))) return;
  }
}

}  // namespace

Json answer_request(Engine& engine, const Json& request, const std::function<bool()>& client_gone) {
  auto answer = on_container(engine, string_or(request, "op"), request, client_gone);
  return answer ? *answer : proc::error_to_json(answer.error());
}

Result<std::unique_ptr<EngineServer>> EngineServer::listen(const std::string& path, Engine& engine,
                                                           Log log) {
  HOP_TRY(Fd listener, proc::listen_at(path, 0));
  HOP_TRY(Pipe stop, make_pipe());
  return std::unique_ptr<EngineServer>(
      new EngineServer(engine, std::move(log), std::move(listener), std::move(stop)));
}

void EngineServer::stop() {
  stop_.write_end.reset();
}

Result<void> EngineServer::run() {
  for (;;) {
    std::array<pollfd, 3> waiting{pollfd{listener_.get(), POLLIN, 0},
                                  pollfd{stop_.read_end.get(), POLLIN, 0},
                                  pollfd{engine_.broken_fd(), POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
      return Error::from_errno(errno, "waiting for connections");
    }
    if (waiting[1].revents != 0) return {};
    if (waiting[2].revents != 0) {
      return Error(ErrorCode::unavailable, "node-init, which keeps the containers, is gone");
    }
    if (waiting[0].revents != 0) accept();
  }
}

void EngineServer::accept() {
  Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return;
  if (!proc::is_own_user(connection.get()) || *connections_ >= most_connections) {
    log_.warning("a connection was refused: foreign user or too many connections");
    return;
  }
  ++*connections_;
  auto shared = std::make_shared<Fd>(std::move(connection));
  start_thread("client", end_thread, [&engine = engine_, shared, connections = connections_] {
    serve(engine, std::move(*shared));
    --*connections;
  }).detach();
}

}  // namespace hoplab::engine
