#include "runtime/plan/pod_network.h"

#include <gmock/gmock.h>

namespace hoplab::plan {
namespace {

PodNetwork web() {
  PodNetwork network;
  network.node_netns = "k8s-w1";
  network.pod_netns = "web";
  network.namespace_name = "default";
  network.pod = "web";
  network.ip = Ipv4(172, 16, 158, 1);
  return network;
}

template <typename A>
const A* find(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    if (const A* action = std::get_if<A>(&operation.action)) return action;
  }
  return nullptr;
}

TEST(PodNetwork, LinkNamesAreCalicos) {
  // The first is asserted by Calico's own tests, the second is from a cluster's dump.
  EXPECT_EQ(host_link_name("default", "podA"), "cali7f94ce7c295");
  EXPECT_EQ(host_link_name("alpha", "nginx-dbddb74b8-z9dpn"), "cali92d634f8f03");
}

TEST(PodNetwork, TheNodeSideMakesThePeerInsideThePod) {
  const auto operations = wire_node_side(web());
  const auto* veth = find<VethAdd>(operations);
  ASSERT_NE(veth, nullptr);
  EXPECT_EQ(veth->peer_netns, "web");
  EXPECT_EQ(veth->peer.name, "eth0");
  EXPECT_FALSE(veth->peer.up);
  EXPECT_EQ(to_string(*veth->link.mac), "ee:ee:ee:ee:ee:ee");
  EXPECT_TRUE(veth->link.up);
  EXPECT_EQ(veth->link.mtu, 1480U);
  const auto* route = find<RouteReplace>(operations);
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(to_string(route->route.destination), "172.16.158.1/32");
  EXPECT_EQ(route->route.scope, RouteScope::link);
  EXPECT_EQ(route->route.protocol, route_protocol::boot);
  EXPECT_EQ(route->route.link, veth->link.name);
  EXPECT_EQ(find<LinkDelete>(operations), nullptr);
  for (const Operation& operation : operations) {
    EXPECT_EQ(operation.netns, "k8s-w1");
    EXPECT_FALSE(operation.reason.empty());
  }
}

TEST(PodNetwork, AStaleLinkGoesFirst) {
  PodNetwork network = web();
  network.stale_link = true;
  const auto operations = wire_node_side(network);
  ASSERT_TRUE(std::holds_alternative<LinkDelete>(operations[0].action));
  EXPECT_TRUE(std::holds_alternative<VethAdd>(operations[1].action));
}

TEST(PodNetwork, ThePodHasOneAddressAndTheGatewayNobodyHas) {
  const auto operations = wire_pod_side(web());
  std::vector<Route> routes;
  for (const Operation& operation : operations) {
    EXPECT_EQ(operation.netns, "web");
    if (const auto* add = std::get_if<RouteReplace>(&operation.action)) {
      routes.push_back(add->route);
    }
  }
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(to_string(routes[0].destination), "169.254.1.1/32");
  EXPECT_EQ(routes[0].scope, RouteScope::link);
  EXPECT_EQ(to_string(routes[1].destination), "0.0.0.0/0");
  EXPECT_EQ(routes[1].gateway, pod_gateway);
  EXPECT_EQ(to_string(find<AddressAdd>(operations)->address.prefix), "172.16.158.1/32");
}

TEST(PodNetwork, BothHalvesAreOneListForPeople) {
  EXPECT_EQ(wire_pod(web()).size(), wire_node_side(web()).size() + wire_pod_side(web()).size());
  const auto gone = unwire_pod(web());
  ASSERT_EQ(gone.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<RouteDelete>(gone[0].action));
  EXPECT_EQ(find<LinkDelete>(gone)->name, host_link_name("default", "web"));
  PodNetwork unknown_address = web();
  unknown_address.ip = Ipv4();
  EXPECT_EQ(unwire_pod(unknown_address).size(), 1U);
}

TEST(PodNetwork, ANodeWithoutADefaultRouteNeedsOneForProxyArp) {
  Route subnet;
  subnet.destination = Prefix(Ipv4(192, 168, 10, 0), 24);
  subnet.link = "eth0";
  const auto operation = proxy_arp_route({subnet}, "k8s-w1", "eth0");
  ASSERT_TRUE(operation.has_value());
  EXPECT_EQ(to_string(std::get<RouteReplace>(operation->action).route.destination),
            "169.254.1.1/32");
  Route everything;
  everything.gateway = Ipv4(192, 168, 10, 254);
  everything.link = "eth0";
  EXPECT_FALSE(proxy_arp_route({subnet, everything}, "k8s-w1", "eth0").has_value());
  everything.type = RouteType::blackhole;
  EXPECT_TRUE(proxy_arp_route({everything}, "k8s-w1", "eth0").has_value());
}

}  // namespace
}  // namespace hoplab::plan
