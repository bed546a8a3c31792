#pragma once

#include <string>
#include <vector>

#include "runtime/engine/types.h"
#include "runtime/model/operation.h"

/// How the engine wires a container: bridge, veth pair, address, default route. Pure planners.
namespace hoplab::engine {

/// "br-" and 12 digits of the network's id; docker0 for the default one.
std::string bridge_name(const Network& network);
/// The host's end: "veth" and seven digits that come from container and network.
std::string host_link_name(std::string_view container_id, std::string_view network_id);

/// A bridge with the gateway's address, in the host's namespace.
std::vector<Operation> make_bridge(const Network& network);
std::vector<Operation> remove_bridge(const Network& network);

struct Wiring {
  std::string container_netns;  ///< As people (and apply()'s context) name it.
  std::string interface = "eth0";
  bool default_route = true;  ///< The first network's gateway is the way out.
};
/// The host's half, one batch: the veth pair, its far end made inside the container.
std::vector<Operation> wire_host_side(const Network& network, const Endpoint& endpoint,
                                      const Wiring& wiring);
/// The container's half, after that.
std::vector<Operation> wire_container_side(const Network& network, const Endpoint& endpoint,
                                           const Wiring& wiring);

}  // namespace hoplab::engine
