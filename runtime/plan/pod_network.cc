#include "runtime/plan/pod_network.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <span>

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"

namespace hoplab::plan {

namespace {

std::string pod_key(const PodNetwork& network) {
  return str(network.namespace_name, "/", network.pod);
}

Route pod_host_route(const PodNetwork& network) {
  Route route;
  route.destination = Prefix::host(network.ip);
  route.link = host_link_name(network.namespace_name, network.pod);
  route.scope = RouteScope::link;
  return route;
}

VethAdd veth_pair(const PodNetwork& network) {
  VethAdd veth;
  veth.link.name = host_link_name(network.namespace_name, network.pod);
  veth.link.kind = LinkKind::veth;
  veth.link.mac = pod_gateway_mac;
  veth.link.mtu = network.mtu;
  veth.link.up = true;
  veth.peer.name = network.interface;
  veth.peer.kind = LinkKind::veth;
  veth.peer.mtu = network.mtu;
  veth.peer_netns = network.pod_netns;
  return veth;
}

}  // namespace

std::string host_link_name(std::string_view namespace_name, std::string_view pod) {
  const std::string key = str(namespace_name, ".", pod);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_Digest(key.data(), key.size(), digest.data(), &length, EVP_sha1(), nullptr);
  return "cali" + hex_text(std::as_bytes(std::span(digest))).substr(0, 11);
}

std::vector<Operation> wire_node_side(const PodNetwork& network) {
  const std::string link = host_link_name(network.namespace_name, network.pod);
  const std::string& netns = network.node_netns;
  const std::string pod = pod_key(network);
  const std::string conf = str("net/ipv4/conf/", link, "/");
  std::vector<Operation> out;
  if (network.stale_link) {
    out.push_back({netns, LinkDelete{link}, str("left over from an earlier try to wire ", pod)});
  }
  out.push_back({netns, veth_pair(network),
                 str("the cable between the node and pod ", pod, "; its far end, ",
                     network.interface, ", is made inside the pod")});
  out.push_back({netns, SysctlSet{conf + "route_localnet", "1"},
                 "lets a NodePort on 127.0.0.1 be translated to a pod"});
  out.push_back({netns, SysctlSet{str("net/ipv4/neigh/", link, "/proxy_delay"), "0"},
                 "answer the pod's ARP request at once, not after a random delay"});
  out.push_back(
      {netns, SysctlSet{conf + "proxy_arp", "1"},
       "the node answers ARP for 169.254.1.1, the pod's gateway, which no interface has"});
  out.push_back(
      {netns, SysctlSet{conf + "forwarding", "1"}, "packets from the pod may be routed onwards"});
  out.push_back({netns, SysctlSet{str("net/ipv6/conf/", link, "/accept_ra"), "0"},
                 "a pod must not be able to change the node's IPv6 routes"});
  out.push_back({netns, RouteReplace{pod_host_route(network)},
                 str("pod ", pod, " with its one address is reached through its own link")});
  return out;
}

std::vector<Operation> wire_pod_side(const PodNetwork& network) {
  const std::string& netns = network.pod_netns;
  const std::string& eth = network.interface;
  Route gateway;
  gateway.destination = Prefix::host(pod_gateway);
  gateway.link = eth;
  gateway.scope = RouteScope::link;
  Route everything;
  everything.gateway = pod_gateway;
  everything.link = eth;
  std::vector<Operation> out;
  out.push_back(
      {netns, SysctlSet{"net/ipv6/conf/all/disable_ipv6", "1"}, "the pod network is IPv4 only"});
  out.push_back({netns, LinkSet{.name = "lo", .up = true, .mtu = {}, .mac = {}, .master = {}},
                 "containers of the pod talk to each other on 127.0.0.1"});
  out.push_back({netns, LinkSet{.name = eth, .up = true, .mtu = {}, .mac = {}, .master = {}},
                 "plug the cable in"});
  out.push_back({netns, AddressAdd{{eth, Prefix::host(network.ip), std::nullopt}},
                 "the pod's address: a /32, so that no other pod counts as a direct neighbor"});
  out.push_back(
      {netns, RouteReplace{gateway}, "the gateway is outside the /32, so say where it is"});
  out.push_back({netns, RouteReplace{everything}, "everything else goes to the node"});
  return out;
}

std::vector<Operation> wire_pod(const PodNetwork& network) {
  std::vector<Operation> out = wire_node_side(network);
  std::vector<Operation> pod = wire_pod_side(network);
  std::move(pod.begin(), pod.end(), std::back_inserter(out));
  return out;
}

std::vector<Operation> unwire_pod(const PodNetwork& network) {
  const std::string pod = pod_key(network);
  std::vector<Operation> out;
  // The route first: its address may be given to another pod before the link's deletion is done.
  if (!network.ip.is_unspecified()) {
    out.push_back(
        {network.node_netns, RouteDelete{pod_host_route(network)}, str("pod ", pod, " is gone")});
  }
  out.push_back({network.node_netns,
                 LinkDelete{host_link_name(network.namespace_name, network.pod)},
                 str("pod ", pod, " is gone; its end of the cable goes with it")});
  return out;
}

std::optional<Operation> proxy_arp_route(const std::vector<Route>& routes,
                                         const std::string& node_netns, const std::string& uplink) {
  const bool answered = std::any_of(routes.begin(), routes.end(), [](const Route& route) {
    return route.type == RouteType::unicast && route.destination.contains(pod_gateway);
  });
  if (answered) return std::nullopt;
  Route route;
  route.destination = Prefix::host(pod_gateway);
  route.link = uplink;
  route.scope = RouteScope::link;
  return Operation{node_netns, RouteReplace{route},
                   "proxy ARP answers for 169.254.1.1 only if the node has a route to it, and this "
                   "node has no default route"};
}

}  // namespace hoplab::plan
