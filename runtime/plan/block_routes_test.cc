#include "runtime/plan/block_routes.h"

#include <gmock/gmock.h>

#include "runtime/plan/tunnel_plan.h"

namespace hoplab::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Prefix cidr(std::string_view text) {
  return Prefix::parse(text).value();
}
Ipv4 ip(std::string_view text) {
  return Ipv4::parse(text).value();
}

BlockRoutesInput three_nodes(Encapsulation encapsulation = Encapsulation::always) {
  BlockRoutesInput input;
  input.own_node = "k8s-w1";
  input.nodes = {{"k8s-w1", cidr("192.168.10.101/24")},
                 {"k8s-w2", cidr("192.168.10.102/24")},
                 {"k8s-w0", cidr("192.168.20.100/24")}};
  input.blocks = {{cidr("172.16.158.0/24"), "k8s-w1", encapsulation, {}},
                  {cidr("172.16.184.0/24"), "k8s-w2", encapsulation, {}},
                  {cidr("172.16.34.0/24"), "k8s-w0", encapsulation, {}}};
  return input;
}

Route through_tunnel(std::string_view destination, std::string_view gateway) {
  Route route;
  route.destination = cidr(destination);
  route.gateway = ip(gateway);
  route.link = "tunl0";
  route.onlink = true;
  route.protocol = route_protocol::bird;
  return route;
}

Route hole(std::string_view destination) {
  Route route;
  route.destination = cidr(destination);
  route.type = RouteType::blackhole;
  route.protocol = route_protocol::bird;
  return route;
}

Route plain(std::string_view destination, std::string_view gateway) {
  Route route;
  route.destination = cidr(destination);
  route.gateway = ip(gateway);
  route.link = "eth0";
  route.protocol = route_protocol::bird;
  return route;
}

TEST(BlockRoutes, AlwaysMeansEveryRemoteBlockThroughTheTunnel) {
  EXPECT_THAT(
      desired_block_routes(three_nodes()),
      ElementsAre(through_tunnel("172.16.34.0/24", "192.168.20.100"), hole("172.16.158.0/24"),
                  through_tunnel("172.16.184.0/24", "192.168.10.102")));
}

TEST(BlockRoutes, CrossSubnetTunnelsOnlyBehindTheRouter) {
  EXPECT_THAT(desired_block_routes(three_nodes(Encapsulation::cross_subnet)),
              ElementsAre(through_tunnel("172.16.34.0/24", "192.168.20.100"),
                          hole("172.16.158.0/24"), plain("172.16.184.0/24", "192.168.10.102")));
}

TEST(BlockRoutes, NeverNeedsARouterThatKnowsThePods) {
  BlockRoutesInput input = three_nodes(Encapsulation::never);
  EXPECT_THAT(desired_block_routes(input),
              ElementsAre(hole("172.16.158.0/24"), plain("172.16.184.0/24", "192.168.10.102")));
  input.uplink_gateway = ip("192.168.10.254");
  EXPECT_THAT(desired_block_routes(input),
              ElementsAre(plain("172.16.34.0/24", "192.168.10.254"), hole("172.16.158.0/24"),
                          plain("172.16.184.0/24", "192.168.10.102")));
}

TEST(BlockRoutes, BorrowedAddressesHaveTheirOwnRoute) {
  BlockRoutesInput input = three_nodes();
  input.blocks[0].borrowed = {{ip("172.16.158.9"), "k8s-w2"}};
  input.blocks[1].borrowed = {{ip("172.16.184.9"), "k8s-w1"}, {ip("172.16.184.10"), "k8s-w0"}};
  EXPECT_THAT(
      desired_block_routes(input),
      ElementsAre(through_tunnel("172.16.34.0/24", "192.168.20.100"), hole("172.16.158.0/24"),
                  through_tunnel("172.16.158.9/32", "192.168.10.102"),
                  through_tunnel("172.16.184.0/24", "192.168.10.102"),
                  through_tunnel("172.16.184.10/32", "192.168.20.100")));
}

TEST(BlockRoutes, WithoutOurOwnNodeNothingIsKnown) {
  BlockRoutesInput input = three_nodes();
  input.own_node = "stranger";
  EXPECT_THAT(desired_block_routes(input), IsEmpty());
}

TEST(BlockRoutes, TouchesOnlyWhatDiffersAndOnlyItsOwn) {
  Route other_protocol = plain("172.16.99.0/24", "192.168.10.9");
  other_protocol.protocol = route_protocol::static_;
  Route other_table = plain("172.16.98.0/24", "192.168.10.9");
  other_table.table = 100;
  const std::vector<Route> observed{
      hole("172.16.158.0/24"), through_tunnel("172.16.184.0/24", "192.168.10.9"),
      through_tunnel("172.16.77.0/24", "192.168.10.7"), other_protocol, other_table};
  const RoutePlan plan = plan_block_routes(three_nodes(), observed);
  ASSERT_THAT(plan.operations, SizeIs(3));
  EXPECT_EQ(plan.operations[0].action,
            Action(RouteReplace{through_tunnel("172.16.34.0/24", "192.168.20.100")}));
  EXPECT_EQ(plan.operations[1].action,
            Action(RouteReplace{through_tunnel("172.16.184.0/24", "192.168.10.102")}));
  EXPECT_EQ(plan.operations[2].action,
            Action(RouteDelete{through_tunnel("172.16.77.0/24", "192.168.10.7")}));
  EXPECT_THAT(plan.conflicts, IsEmpty());
  EXPECT_THAT(plan_block_routes(three_nodes(), desired_block_routes(three_nodes())).operations,
              IsEmpty());
}

TEST(BlockRoutes, LeavesAForeignRouteInPlaceAndSaysSo) {
  Route foreign = plain("172.16.184.0/24", "192.168.10.9");
  foreign.protocol = route_protocol::static_;
  const RoutePlan plan = plan_block_routes(three_nodes(), {foreign});
  EXPECT_THAT(plan.operations, SizeIs(2));
  EXPECT_THAT(plan.conflicts, ElementsAre(HasSubstr("172.16.184.0/24")));
}

TEST(TunnelPlan, NeighborsCarryTheNextHop) {
  EXPECT_EQ(to_string(tunnel_next_hop_mac(ip("192.168.20.100"))), "02:00:c0:a8:14:64");
  const auto operations = plan_tunnel_neighbors(three_nodes(), {});
  ASSERT_THAT(operations, SizeIs(2));
  std::vector<Neighbor> observed;
  for (const auto& operation : operations) {
    observed.push_back(std::get<NeighborReplace>(operation.action).neighbor);
  }
  EXPECT_THAT(plan_tunnel_neighbors(three_nodes(), observed), IsEmpty());
  BlockRoutesInput fewer = three_nodes();
  fewer.blocks.pop_back();
  const auto deletes = plan_tunnel_neighbors(fewer, observed);
  ASSERT_THAT(deletes, SizeIs(1));
  EXPECT_EQ(std::get<NeighborDelete>(deletes[0].action).neighbor.ip, ip("192.168.20.100"));
}

TEST(TunnelPlan, TheLinkGetsItsOneAddress) {
  TunnelInput input;
  input.address = cidr("172.16.158.0/32");
  EXPECT_THAT(plan_tunnel_link(input, nullptr, {}), IsEmpty());
  Link link;
  link.name = "tunl0";
  link.mtu = 1500;
  const std::vector<Address> wrong{{"tunl0", cidr("172.16.1.0/32"), std::nullopt},
                                   {"eth0", cidr("192.168.10.101/24"), std::nullopt}};
  EXPECT_THAT(plan_tunnel_link(input, &link, wrong), SizeIs(4));
  link.mtu = 1480;
  link.up = true;
  const std::vector<Address> right{{"tunl0", cidr("172.16.158.0/32"), std::nullopt}};
  EXPECT_THAT(plan_tunnel_link(input, &link, right), IsEmpty());
}

}  // namespace
}  // namespace hoplab::plan
