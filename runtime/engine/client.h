#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/engine.h"
#include "runtime/proc/container_wire.h"

namespace hoplab::engine {

/// Speaks to the engine of a host. One request at a time; one thread. Errors carry the engine's own
/// code and words.
class EngineClient {
 public:
  /// `unavailable` when no engine listens at the path.
  static Result<EngineClient> connect(const std::string& path);

  Result<Container> create(const ContainerConfig& config);
  Result<Container> find(const std::string& name);
  Result<Container> start(const std::string& name);
  Result<Container> stop(const std::string& name, Millis grace);
  Result<Container> restart(const std::string& name, Millis grace);
  Result<Container> kill(const std::string& name, int signal);
  Result<void> remove(const std::string& name, bool force);
  Result<Container> rename(const std::string& name, const std::string& to);
  Result<Container> wait(const std::string& name, bool removed);
  Result<std::vector<Container>> list();

  Result<Network> create_network(const NetworkWish& wish);
  Result<void> remove_network(const std::string& name);
  Result<Network> find_network(const std::string& name);
  Result<std::vector<Network>> list_networks();
  Result<void> connect_network(const std::string& network, const std::string& container,
                               const std::string& ip, const std::vector<std::string>& aliases);
  Result<void> disconnect_network(const std::string& network, const std::string& container,
                                  bool force);

 private:
  explicit EngineClient(proc::MessageSocket socket) : socket_(std::move(socket)) {}
  Result<Json> call(const Json& request);
  Result<Container> container(const Json& request);

  proc::MessageSocket socket_;
};

}  // namespace hoplab::engine
