#include "runtime/engine/bridge_plan.h"

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"
#include "runtime/engine/address_pool.h"

namespace hoplab::engine {

std::string bridge_name(const Network& network) {
  return network.is_default() ? "docker0" : "br-" + network.id.substr(0, 12);
}

std::string host_link_name(std::string_view container_id, std::string_view network_id) {
  const uint64_t hash = fnv1a_64(str(container_id, " ", network_id));
  return "veth" + hex_text(std::as_bytes(std::span(&hash, 1))).substr(0, 7);
}

std::vector<Operation> make_bridge(const Network& network) {
  Link bridge{.name = network.bridge, .kind = LinkKind::bridge};
  bridge.mac = mac_of(network.gateway);
  const Prefix address(network.gateway, network.subnet.length());
  return {{"", LinkAdd{bridge},
           str("the switch of network ", network.name, ", into which containers are plugged")},
          {"", AddressAdd{{network.bridge, address, network.subnet.broadcast()}},
           "the containers' gateway: the host itself, on the bridge"},
          {"", LinkSet{.name = network.bridge, .up = true}, "switch it on"}};
}

std::vector<Operation> remove_bridge(const Network& network) {
  return {{"", LinkDelete{network.bridge}, str("network ", network.name, " is removed")}};
}

std::vector<Operation> wire_host_side(const Network& network, const Endpoint& endpoint,
                                      const Wiring& wiring) {
  VethAdd veth;
  veth.link = {.name = endpoint.host_link, .kind = LinkKind::veth, .up = true};
  veth.link.master = network.bridge;
  veth.peer = {.name = wiring.interface, .kind = LinkKind::veth, .mac = endpoint.mac};
  veth.peer_netns = wiring.container_netns;
  return {{"", veth,
           str("the cable between ", network.bridge, " and the container; its far end, ",
               wiring.interface, ", is made inside")}};
}

std::vector<Operation> wire_container_side(const Network& network, const Endpoint& endpoint,
                                           const Wiring& wiring) {
  const std::string& netns = wiring.container_netns;
  const Prefix address(endpoint.ip, network.subnet.length());
  std::vector<Operation> out;
  out.push_back({netns, LinkSet{.name = wiring.interface, .up = true}, "plug the cable in"});
  out.push_back({netns, AddressAdd{{wiring.interface, address, network.subnet.broadcast()}},
                 str("the container's address in network ", network.name)});
  if (wiring.default_route && !network.internal) {
    Route route;
    route.gateway = network.gateway;
    route.link = wiring.interface;
    out.push_back({netns, RouteReplace{route}, "everything else goes to the host"});
  }
  return out;
}

}  // namespace hoplab::engine
