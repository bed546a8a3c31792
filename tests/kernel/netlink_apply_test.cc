#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/observe/network.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class NetlinkApply : public test::SandboxNetns {};

const Mac calico_mac{{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}};
constexpr Ipv4 red_ip(11, 11, 11, 2), blue_ip(11, 11, 11, 3);

Operation op(Action action) {
  return {"", std::move(action), "test"};
}
Operation up(const std::string& name) {
  return op(LinkSet{.name = name, .up = true});
}
Operation address(const std::string& link, Ipv4 ip, uint8_t length) {
  return op(AddressAdd{{.link = link, .prefix = {ip, length}}});
}

NetworkState observe(int netns_fd) {
  auto state = observe_network(netns_fd);
  EXPECT_TRUE(state) << state.error().message();
  return state ? *state : NetworkState{};
}

Link link_of(int netns_fd, const std::string& name) {
  const auto state = observe(netns_fd);
  const Link* link = state.link(name);
  EXPECT_NE(link, nullptr) << name;
  return link == nullptr ? Link{} : *link;
}

std::vector<std::string> route_lines(int netns_fd) {
  std::vector<std::string> lines;
  for (const Route& route : observe(netns_fd).main_routes()) lines.push_back(to_string(route));
  return lines;
}

// The course's first lesson: two namespaces and one cable.
TEST_F(NetlinkApply, RedAndBlueByOneCable) {
  Fd red = make_host();
  Fd blue = make_host();
  test::must_apply(red.get(),
                   {op(VethAdd{{.name = "eth0", .up = true}, {.name = "eth0"}, "BLUE"}),
                    address("eth0", red_ip, 24)},
                   blue.get());
  EXPECT_FALSE(test::ping(red.get(), blue_ip, Millis(100)));
  test::must_apply(blue.get(), {up("eth0"), address("eth0", blue_ip, 24)});
  EXPECT_TRUE(test::ping(red.get(), blue_ip));
  EXPECT_TRUE(test::ping(blue.get(), red_ip));
  EXPECT_EQ(link_of(blue.get(), "eth0").index, 2);
  EXPECT_THAT(route_lines(red.get()),
              Contains("11.11.11.0/24 dev eth0 proto kernel scope link src 11.11.11.2"));
}

// The second: a bridge in between.
TEST_F(NetlinkApply, RedAndBlueByABridge) {
  Fd red = make_host();
  Fd blue = make_host();
  test::must_apply(
      netns(),
      {op(LinkAdd{{.name = "br0", .kind = LinkKind::bridge, .up = true}}),
       // In one batch with the bridge they are ports of.
       op(VethAdd{{.name = "veth0", .up = true, .master = "br0"}, {.name = "eth0"}, "RED"})},
      red.get());
  test::must_apply(netns(), {op(VethAdd{{.name = "veth1", .up = true}, {.name = "eth0"}, "B"})},
                   blue.get());
  test::must_apply(red.get(), {up("eth0"), address("eth0", red_ip, 24)});
  test::must_apply(blue.get(), {up("eth0"), address("eth0", blue_ip, 24)});
  EXPECT_FALSE(test::ping(red.get(), blue_ip, Millis(100)));
  test::must_apply(netns(), {op(LinkSet{.name = "veth1", .master = "br0"})});
  // From blue: red still waits for the ARP answer it did not get.
  EXPECT_TRUE(test::ping(blue.get(), red_ip));
  EXPECT_EQ(link_of(netns(), "veth1").master, "br0");
  EXPECT_EQ(link_of(netns(), "br0").kind, LinkKind::bridge);
}

// A Calico pod: /32, the gateway that exists nowhere, proxy ARP (facts/calico.md 1).
TEST_F(NetlinkApply, CalicoPodReachesItsNode) {
  Fd pod = make_host();
  constexpr Ipv4 pod_ip(172, 16, 158, 3), node_ip(192, 168, 10, 101), gateway(169, 254, 1, 1);
  const std::string conf = "net/ipv4/conf/cali1/", neigh = "net/ipv4/neigh/cali1/";
  test::must_apply(
      netns(),
      {op(VethAdd{{.name = "cali1", .mac = calico_mac, .mtu = 1480, .up = true},
                  {.name = "eth0", .mtu = 1480},
                  "POD"}),
       op(SysctlSet{conf + "proxy_arp", "1"}), op(SysctlSet{conf + "forwarding", "1"}),
       op(SysctlSet{neigh + "proxy_delay", "0"}),
       op(RouteReplace{
           {.destination = Prefix::host(pod_ip), .link = "cali1", .scope = RouteScope::link}}),
       address("lo", node_ip, 32),
       // Proxy ARP answers only for what the node has a route to (facts/kernel.md P4).
       op(RouteReplace{{.destination = Prefix::host(gateway),
                        .type = RouteType::local,
                        .link = "lo",
                        .scope = RouteScope::host}})},
      pod.get());
  test::must_apply(
      pod.get(),
      {up("eth0"), address("eth0", pod_ip, 32),
       op(RouteReplace{
           {.destination = Prefix::host(gateway), .link = "eth0", .scope = RouteScope::link}}),
       op(RouteReplace{{.gateway = gateway, .link = "eth0"}})});
  EXPECT_TRUE(test::ping(pod.get(), node_ip));
  EXPECT_TRUE(test::ping(netns(), pod_ip));
  EXPECT_EQ(*read_sysctl(netns(), conf + "proxy_arp"), "1");
  EXPECT_THAT(route_lines(netns()), Contains("172.16.158.3 dev cali1 scope link"));
  EXPECT_THAT(route_lines(pod.get()), Contains("default via 169.254.1.1 dev eth0"));
  auto neighbors = observe(pod.get()).neighbors;
  auto at = std::find_if(neighbors.begin(), neighbors.end(),
                         [&](const Neighbor& n) { return n.ip == gateway; });
  ASSERT_NE(at, neighbors.end());
  EXPECT_EQ(at->mac, calico_mac);
}

// A veth named tunl0 takes the routes of a real one (facts/kernel.md P9).
TEST_F(NetlinkApply, TunnelRoutesLookLikeBirds) {
  Neighbor node{.link = "tunl0", .ip = Ipv4(192, 168, 20, 100), .mac = calico_mac};
  node.permanent = true;
  test::must_apply(netns(), {op(VethAdd{{.name = "tunl0", .up = true}, {.name = "tunl0-wire"}, ""}),
                             up("tunl0-wire"), address("tunl0", Ipv4(172, 16, 158, 0), 32),
                             op(NeighborReplace{node}),
                             op(RouteReplace{{.destination = {Ipv4(172, 16, 34, 0), 24},
                                              .gateway = node.ip,
                                              .link = "tunl0",
                                              .protocol = route_protocol::bird,
                                              .onlink = true}}),
                             op(RouteReplace{{.destination = {Ipv4(172, 16, 158, 0), 24},
                                              .type = RouteType::blackhole,
                                              .protocol = route_protocol::bird}})});
  EXPECT_THAT(
      route_lines(netns()),
      testing::IsSupersetOf({"172.16.34.0/24 via 192.168.20.100 dev tunl0 proto bird onlink",
                             "blackhole 172.16.158.0/24 proto bird"}));
  node.state = "PERMANENT";
  EXPECT_THAT(observe(netns()).neighbors, Contains(node));
  Route block{.destination = {Ipv4(172, 16, 158, 0), 24},
              .type = RouteType::blackhole,
              .protocol = route_protocol::bird};
  test::must_apply(netns(), {op(RouteDelete{block}), op(NeighborDelete{node})});
  EXPECT_THAT(route_lines(netns()), Not(Contains("blackhole 172.16.158.0/24 proto bird")));
}

TEST_F(NetlinkApply, ProxyNeighbor) {
  test::must_apply(netns(), {op(VethAdd{{.name = "cali1", .up = true}, {.name = "peer"}, ""})});
  Neighbor proxy{.link = "cali1", .ip = Ipv4(169, 254, 1, 1)};
  proxy.proxy = true;
  test::must_apply(netns(), {op(NeighborReplace{proxy})});
  EXPECT_THAT(observe(netns()).neighbors, Contains(proxy));
  test::must_apply(netns(), {op(NeighborDelete{proxy})});
  EXPECT_THAT(observe(netns()).neighbors, Not(Contains(proxy)));
}

TEST_F(NetlinkApply, SetTouchesOnlyWhatIsSet) {
  test::must_apply(netns(),
                   {op(LinkAdd{{.name = "br0", .kind = LinkKind::bridge}}),
                    op(VethAdd{{.name = "a", .mtu = 1400, .group = 77}, {.name = "b"}, ""}),
                    op(LinkSet{.name = "a", .mac = calico_mac, .master = "br0", .alias = "mine"})});
  auto link = link_of(netns(), "a");
  EXPECT_EQ(link.mac, calico_mac);
  EXPECT_EQ(link.mtu, 1400U);
  EXPECT_EQ(link.group, 77U);
  EXPECT_EQ(link.alias, "mine");
  EXPECT_EQ(link.master, "br0");
  EXPECT_EQ(link.peer_index, link_of(netns(), "b").index);
  EXPECT_FALSE(link.up);
  test::must_apply(netns(), {op(LinkSet{.name = "a", .up = true, .master = ""})});
  link = link_of(netns(), "a");
  EXPECT_TRUE(link.up);
  EXPECT_EQ(link.master, "");
  EXPECT_EQ(link.mtu, 1400U);
}

TEST_F(NetlinkApply, ErrorsAreMappedToTheirOperation) {
  auto socket = NetlinkSocket::open();
  ASSERT_TRUE(socket);
  Route unreachable{.destination = {Ipv4(10, 9, 0, 0), 16}, .gateway = Ipv4(10, 99, 0, 1)};
  std::vector<Operation> operations{
      op(LinkAdd{{.name = "br0", .kind = LinkKind::bridge, .up = true}}),
      {"k8s-w1", RouteReplace{unreachable}, ""},
      op(LinkAdd{{.name = "br1", .kind = LinkKind::bridge}}),
      address("br9", red_ip, 24),
      up("br1"),
  };
  auto report = apply_operations(*socket, operations);
  // br1 was in the batch with the bad route already; the address was not.
  using enum OutcomeState;
  std::vector<OutcomeState> states;
  for (const auto& outcome : report.outcomes) states.push_back(outcome.state);
  EXPECT_THAT(states, testing::ElementsAre(done, failed, done, not_attempted, not_attempted));
  EXPECT_THAT(report.status().error().message(),
              testing::StartsWith("ip -n k8s-w1 route replace 10.9.0.0/16 via 10.99.0.1: "));
  EXPECT_THAT(report.status().error().message(), HasSubstr("Nexthop has invalid gateway"));
  EXPECT_EQ(report.status().error().sys_errno(), ENETUNREACH);

  auto retry =
      apply_operations(*socket, operations, {.tolerated_on_add = {EEXIST}, .keep_going = true});
  EXPECT_EQ(retry.count(tolerated), 2U);
  EXPECT_EQ(retry.count(failed), 2U);
  EXPECT_EQ(retry.count(done), 1U);
  EXPECT_THAT(retry.status().error().message(), testing::StartsWith("first of 2 failures: "));
  EXPECT_EQ(retry.outcomes[3].error->message(),
            "ip addr add 11.11.11.2/24 dev br9: looking for link br9: No such device (ENODEV)");
}

TEST_F(NetlinkApply, TearDownTwiceIsFine) {
  auto socket = NetlinkSocket::open();
  ASSERT_TRUE(socket);
  const Address bridge{.link = "br0", .prefix = {red_ip, 24}};
  const Route route{.destination = {Ipv4(10, 9, 0, 0), 16},
                    .type = RouteType::blackhole,
                    .protocol = route_protocol::bird};
  test::must_apply(netns(), {op(LinkAdd{{.name = "br0", .kind = LinkKind::bridge}}),
                             op(AddressAdd{bridge}), op(RouteReplace{route})});
  const std::vector<Operation> down{op(RouteDelete{route}), op(AddressDelete{bridge}),
                                    op(LinkDelete{"br0"})};
  const ApplyContext context{.tolerated_on_delete = absent_errnos(), .keep_going = true};
  EXPECT_EQ(apply_operations(*socket, down, context).count(OutcomeState::done), 3U);
  EXPECT_EQ(apply_operations(*socket, down, context).count(OutcomeState::tolerated), 3U);
  EXPECT_EQ(apply_operations(*socket, down).status().error().sys_errno(), ESRCH);
}

TEST_F(NetlinkApply, ManyOperationsTravelInBatches) {
  std::vector<Operation> operations{
      op(LinkAdd{{.name = "br0", .kind = LinkKind::bridge, .up = true}})};
  for (uint32_t i = 0; i < 1000; ++i) {
    operations.push_back(op(RouteReplace{{.destination = Prefix::host(Ipv4(10, 0, 0, 0) + i),
                                          .link = "br0",
                                          .protocol = route_protocol::bird,
                                          .scope = RouteScope::link}}));
  }
  test::must_apply(netns(), operations);
  EXPECT_EQ(observe(netns()).main_routes().size(), 1000U);
}

TEST_F(NetlinkApply, SysctlsBelongToTheSocketsNamespace) {
  Fd other = make_host();
  test::must_apply(other.get(), {op(SysctlSet{"net/ipv4/ip_forward", "1"})});
  EXPECT_EQ(*read_sysctl(other.get(), "net/ipv4/ip_forward"), "1");
  EXPECT_EQ(*read_sysctl_here("net/ipv4/ip_forward"), "0");
  auto socket = NetlinkSocket::open_in(other.get());
  auto status =
      apply_operations(
          *socket, std::vector{Operation{"w1", SysctlSet{"net/ipv4/conf/no/forwarding", "1"}, ""}})
          .status();
  EXPECT_EQ(status.error().message(),
            "ip netns exec w1 sysctl -w net.ipv4.conf.no.forwarding=1: setting sysctl "
            "net/ipv4/conf/no/forwarding to \"1\": opening /proc/sys/net/ipv4/conf/no/forwarding: "
            "No such file or directory (ENOENT)");
  EXPECT_EQ(write_sysctl_here("net/../kernel/hostname", "x").error().code(), ErrorCode::invalid);
}

TEST_F(NetlinkApply, TablesOtherThanMain) {
  test::must_apply(netns(), {op(RouteReplace{{.destination = {Ipv4(10, 1, 0, 0), 26},
                                              .type = RouteType::unreachable,
                                              .protocol = route_protocol::felix,
                                              .metric = 7,
                                              .table = 1000}})});
  EXPECT_THAT(route_lines(netns()), testing::IsEmpty());
  std::vector<std::string> lines;
  const auto state = observe(netns());
  for (const Route& route : state.routes) lines.push_back(to_string(route));
  EXPECT_THAT(lines, Contains("unreachable 10.1.0.0/26 table 1000 proto 80 metric 7"));
  EXPECT_THAT(lines,
              Contains("local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1"));
}

}  // namespace
}  // namespace hoplab
