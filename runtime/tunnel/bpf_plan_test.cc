#include "runtime/tunnel/bpf_plan.h"

#include <gmock/gmock.h>

#include "runtime/tunnel/variant.h"

namespace hoplab::tunnel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Route route(std::string_view destination, const char* link, const char* gateway = "") {
  Route out;
  out.destination = Prefix::parse(destination).value();
  out.link = link;
  if (*gateway != '\0') out.gateway = Ipv4::parse(gateway).value();
  return out;
}

Link link(const char* name, LinkKind kind = LinkKind::veth) {
  Link out;
  out.name = name;
  out.kind = kind;
  return out;
}

/// A node that is wired, with a tunnel link just made.
BpfObserved fresh_node() {
  BpfObserved out;
  out.links = {link("lo", LinkKind::loopback), link("enp1s0"), link("tunl0"), link("tunl0-peer")};
  out.addresses = {{"enp1s0", Prefix::parse("192.168.10.101/24").value(), {}}};
  out.routes = {route("192.168.10.0/24", "enp1s0"), route("0.0.0.0/0", "enp1s0", "192.168.10.254")};
  out.forwarding = "1";
  return out;
}

BpfObserved running_node() {
  BpfObserved out = fresh_node();
  out.links[2].arp = false;
  out.qdiscs = {{"tunl0-peer", "clsact", 0}, {"enp1s0", "clsact", 0}};
  out.filters = {encap_filter("tunl0"), decap_filter("enp1s0")};
  out.filters[0].tag = 11;
  out.filters[1].tag = 22;
  return out;
}

const Uplink wired{"enp1s0", Ipv4(192, 168, 10, 101)};

std::vector<std::string> commands(const std::vector<Operation>& operations) {
  std::vector<std::string> out;
  for (const Operation& one : operations) out.push_back(to_command(one));
  return out;
}

constexpr const char* encap_command =
    "tc filter replace dev tunl0-peer ingress protocol ip pref 4 handle 0x1 bpf direct-action "
    "object-pinned /sys/fs/bpf/ipip_encap";
constexpr const char* decap_command =
    "tc filter replace dev enp1s0 ingress protocol ip pref 4 handle 0x1 bpf direct-action "
    "object-pinned /sys/fs/bpf/ipip_decap";

TEST(FindUplink, IsTheDefaultRoutesLinkWhileNoNodeIsKnown) {
  EXPECT_EQ(find_uplink(fresh_node(), "tunl0"), wired);
  EXPECT_EQ(find_uplink({}, "tunl0"), std::nullopt) << "not wired yet";
  BpfObserved bare = fresh_node();
  bare.addresses.clear();
  EXPECT_EQ(find_uplink(bare, "tunl0"), std::nullopt) << "no address yet";
}

TEST(FindUplink, IsWhereThePacketsToANodeGo) {
  BpfObserved now = fresh_node();
  now.routes.push_back(route("172.16.34.0/24", "tunl0", "192.168.20.100"));
  EXPECT_EQ(find_uplink(now, "tunl0"), wired);
  now.routes.push_back(route("192.168.20.0/24", "eth7", "10.0.0.1"));
  now.addresses.push_back({"eth7", Prefix::parse("10.9.0.2/16").value(), {}});
  now.addresses.push_back({"eth7", Prefix::parse("10.0.0.2/24").value(), {}});
  EXPECT_EQ(find_uplink(now, "tunl0"), (Uplink{"eth7", Ipv4(10, 0, 0, 2)}))
      << "the more exact route, the address in the router's network";
  now.routes.back().source = Ipv4(10, 9, 0, 2);
  EXPECT_EQ(find_uplink(now, "tunl0"), (Uplink{"eth7", Ipv4(10, 9, 0, 2)})) << "the route says";
}

TEST(FindUplink, NeverIsTheTunnelOrABlackhole) {
  BpfObserved now = fresh_node();
  now.routes.push_back(route("172.16.34.0/24", "tunl0", "192.168.20.100"));
  now.routes.push_back(route("192.168.20.100/32", "tunl0"));
  Route hole = route("192.168.20.0/24", "");
  hole.type = RouteType::blackhole;
  now.routes.push_back(hole);
  EXPECT_EQ(find_uplink(now, "tunl0"), wired);
}

TEST(PlanBpfTunnel, AttachesBothProgramsToAFreshNode) {
  BpfObserved now = fresh_node();
  now.forwarding = "0";
  EXPECT_THAT(commands(plan_bpf_tunnel(now, "tunl0", wired, 11, 22)),
              ElementsAre("ip link set tunl0 arp off", "sysctl -w net.ipv4.conf.tunl0.forwarding=1",
                          "tc qdisc add dev tunl0-peer clsact", encap_command,
                          "tc qdisc add dev enp1s0 clsact", decap_command));
}

TEST(PlanBpfTunnel, ARestartTouchesNothing) {
  EXPECT_THAT(plan_bpf_tunnel(running_node(), "tunl0", wired, 11, 22), IsEmpty());
}

TEST(PlanBpfTunnel, ReplacesOnlyTheProgramThatDiffers) {
  EXPECT_THAT(commands(plan_bpf_tunnel(running_node(), "tunl0", wired, 11, 33)),
              ElementsAre(decap_command));
  BpfObserved now = running_node();
  now.filters.erase(now.filters.begin());
  EXPECT_THAT(commands(plan_bpf_tunnel(now, "tunl0", wired, 11, 22)), ElementsAre(encap_command))
      << "somebody deleted the filter, not the qdisc";
}

TEST(PlanBpfTunnel, LeavesOthersAlone) {
  BpfObserved now = running_node();
  BpfFilter foreign = decap_filter("enp1s0");
  foreign.preference = 10;
  foreign.program = "learner";
  now.filters.push_back(foreign);
  now.qdiscs[1].kind = "ingress";  // a learner's: serves as well
  EXPECT_THAT(plan_bpf_tunnel(now, "tunl0", wired, 11, 22), IsEmpty());
}

TEST(PlanBpfTunnel, WithoutUplinkWaitsAndForgetsNothing) {
  EXPECT_THAT(plan_bpf_tunnel(running_node(), "tunl0", std::nullopt, 11, 22), IsEmpty());
}

TEST(PlanBpfTunnel, MovesToAnotherUplink) {
  const auto plan = plan_bpf_tunnel(running_node(), "tunl0", Uplink{"eth7", wired.address}, 11, 22);
  EXPECT_THAT(commands(plan),
              ElementsAre("tc qdisc add dev eth7 clsact",
                          "tc filter replace dev eth7 ingress protocol ip pref 4 handle 0x1 bpf "
                          "direct-action object-pinned /sys/fs/bpf/ipip_decap",
                          "tc filter del dev enp1s0 ingress protocol ip pref 4 handle 0x1 bpf"));
}

TEST(PlanWithoutBpf, TakesAwayWhatWasMade) {
  EXPECT_THAT(commands(plan_without_bpf(running_node(), "tunl0")),
              ElementsAre("tc filter del dev tunl0-peer ingress protocol ip pref 4 handle 0x1 bpf",
                          "tc filter del dev enp1s0 ingress protocol ip pref 4 handle 0x1 bpf",
                          "ip link set tunl0 arp on"));
  EXPECT_THAT(plan_without_bpf(fresh_node(), "tunl0"), IsEmpty());
}

}  // namespace
}  // namespace hoplab::tunnel
