#include "runtime/engine/client.h"

namespace hoplab::engine {

namespace {

constexpr Millis for_ever{24 * 3600 * 1000};

}  // namespace

Result<EngineClient> EngineClient::connect(const std::string& path) {
  HOP_TRY(proc::MessageSocket socket, proc::MessageSocket::connect(path));
  return EngineClient(std::move(socket));
}

Result<Json> EngineClient::call(const Json& request) {
  HOP_CHECK(socket_.send(request));
  HOP_TRY(auto answer, socket_.receive(for_ever));
  if (!answer) return Error(ErrorCode::timed_out, "the engine did not answer");
  if (auto error = proc::error_from_json(answer->body)) return *std::move(error);
  return std::move(answer->body);
}

Result<Container> EngineClient::container(const Json& request) {
  HOP_TRY(const Json answer, call(request));
  return container_from_json(member(answer, "container"));
}

Result<Container> EngineClient::create(const ContainerConfig& config) {
  return container({{"op", "create"}, {"config", to_json(config)}});
}

Result<Container> EngineClient::find(const std::string& name) {
  return container({{"op", "find"}, {"name", name}});
}

Result<Container> EngineClient::start(const std::string& name) {
  return container({{"op", "start"}, {"name", name}});
}

Result<Container> EngineClient::stop(const std::string& name, Millis grace) {
  return container({{"op", "stop"}, {"name", name}, {"graceMillis", grace.count()}});
}

Result<Container> EngineClient::restart(const std::string& name, Millis grace) {
  return container({{"op", "restart"}, {"name", name}, {"graceMillis", grace.count()}});
}

Result<Container> EngineClient::kill(const std::string& name, int signal) {
  return container({{"op", "kill"}, {"name", name}, {"signal", signal}});
}

Result<void> EngineClient::remove(const std::string& name, bool force) {
  HOP_CHECK(call({{"op", "remove"}, {"name", name}, {"force", force}}));
  return {};
}

Result<Container> EngineClient::rename(const std::string& name, const std::string& to) {
  return container({{"op", "rename"}, {"name", name}, {"to", to}});
}

Result<Container> EngineClient::wait(const std::string& name, bool removed) {
  return container({{"op", "wait"}, {"name", name}, {"removed", removed}});
}

Result<std::vector<Container>> EngineClient::list() {
  HOP_TRY(const Json answer, call({{"op", "list"}}));
  std::vector<Container> out;
  for (const Json& item : member(answer, "containers")) {
    HOP_TRY(Container value, container_from_json(item));
    out.push_back(std::move(value));
  }
  return out;
}

Result<Network> EngineClient::create_network(const NetworkWish& wish) {
  Json request{{"op", "network_create"},
               {"name", wish.name},
               {"driver", wish.driver},
               {"internal", wish.internal},
               {"labels", wish.labels}};
  if (wish.subnet) request["subnet"] = to_string(*wish.subnet);
  if (wish.gateway) request["gateway"] = to_string(*wish.gateway);
  HOP_TRY(const Json answer, call(request));
  return network_from_json(member(answer, "network"));
}

Result<void> EngineClient::remove_network(const std::string& name) {
  HOP_CHECK(call({{"op", "network_remove"}, {"network", name}}));
  return {};
}

Result<Network> EngineClient::find_network(const std::string& name) {
  HOP_TRY(const Json answer, call({{"op", "network_find"}, {"network", name}}));
  return network_from_json(member(answer, "network"));
}

Result<std::vector<Network>> EngineClient::list_networks() {
  HOP_TRY(const Json answer, call({{"op", "networks"}}));
  std::vector<Network> out;
  for (const Json& item : member(answer, "networks")) {
    HOP_TRY(Network value, network_from_json(item));
    out.push_back(std::move(value));
  }
  return out;
}

Result<void> EngineClient::connect_network(const std::string& network, const std::string& container,
                                           const std::string& ip,
                                           const std::vector<std::string>& aliases) {
  HOP_CHECK(call({{"op", "network_connect"},
                  {"network", network},
                  {"name", container},
                  {"ip", ip},
                  {"aliases", aliases}}));
  return {};
}

Result<void> EngineClient::disconnect_network(const std::string& network,
                                              const std::string& container, bool force) {
  HOP_CHECK(call(
      {{"op", "network_disconnect"}, {"network", network}, {"name", container}, {"force", force}}));
  return {};
}

}  // namespace hoplab::engine
