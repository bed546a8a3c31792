// Addresses, wiring and rules of the engine's networks.

#include <gmock/gmock.h>

#include "runtime/base/test_golden.h"
#include "runtime/engine/address_pool.h"
#include "runtime/engine/bridge_plan.h"
#include "runtime/engine/bridge_rules.h"
#include "runtime/engine/names.h"
#include "runtime/nft/render_text.h"

namespace hoplab::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Network network(const std::string& name, const std::string& subnet) {
  Network out;
  out.name = name;
  out.id = std::string(20, 'b') + std::string(44, '0');
  out.subnet = *Prefix::parse(subnet);
  out.gateway = out.subnet.network() + 1;
  out.bridge = bridge_name(out);
  return out;
}

const Network docker0 = network("bridge", "172.17.0.0/16");

TEST(AddressPool, SubnetsAvoidNetworksAndRoutes) {
  const std::vector<Network> networks{docker0, network("one", "172.18.0.0/16")};
  const std::vector<Prefix> routes{*Prefix::parse("0.0.0.0/0"), *Prefix::parse("172.19.4.0/24")};
  EXPECT_EQ(to_string(*free_subnet(networks, routes)), "172.20.0.0/16");
  const std::vector<Prefix> everything{*Prefix::parse("172.16.0.0/12")};
  EXPECT_THAT(free_subnet(networks, everything).error().message(), HasSubstr("could not find"));
}

TEST(AddressPool, TheLowestFreeAddress) {
  EXPECT_EQ(to_string(*free_address(docker0, {})), "172.17.0.2");
  const std::vector<Ipv4> taken{Ipv4(172, 17, 0, 2), Ipv4(172, 17, 0, 4)};
  EXPECT_EQ(to_string(*free_address(docker0, taken)), "172.17.0.3");
  const Network tiny = network("tiny", "10.1.0.0/29");
  std::vector<Ipv4> all;
  for (int i = 0; i < 5; ++i) all.push_back(*free_address(tiny, all));
  EXPECT_EQ(to_string(all.back()), "10.1.0.6");
  EXPECT_THAT(free_address(tiny, all).error().message(),
              HasSubstr("no available IPv4 addresses on network tiny"));
}

TEST(AddressPool, ChosenAddresses) {
  const Network lab = network("lab", "172.30.0.0/16");
  EXPECT_TRUE(check_address(lab, Ipv4(172, 30, 5, 5), {}));
  const std::vector<Ipv4> taken{Ipv4(172, 30, 5, 5)};
  EXPECT_EQ(check_address(lab, Ipv4(172, 30, 5, 5), taken).error().message(),
            "Address already in use");
  for (Ipv4 wrong :
       {Ipv4(172, 30, 0, 0), Ipv4(172, 30, 0, 1), Ipv4(172, 30, 255, 255), Ipv4(172, 31, 0, 5)}) {
    EXPECT_FALSE(check_address(lab, wrong, {})) << to_string(wrong);
  }
  EXPECT_THAT(check_address(docker0, Ipv4(172, 17, 0, 9), {}).error().message(),
              HasSubstr("user defined networks only"));
}

std::vector<std::string> commands(const std::vector<Operation>& operations) {
  std::vector<std::string> out;
  for (const Operation& operation : operations) out.push_back(to_command(operation));
  return out;
}

TEST(BridgePlan, CanBeTypedByHand) {
  EXPECT_THAT(commands(make_bridge(docker0)),
              ElementsAre("ip link add docker0 address 02:42:ac:11:00:01 type bridge",
                          "ip addr add 172.17.0.1/16 brd 172.17.255.255 dev docker0",
                          "ip link set docker0 up"));
  const Endpoint endpoint{"bridge", {}, Ipv4(172, 17, 0, 2), mac_of(Ipv4(172, 17, 0, 2)), "veth12",
                          "eth0",   {}};
  const Wiring wiring{"red", "eth0", true};
  const auto outside = commands(wire_host_side(docker0, endpoint, wiring));
  ASSERT_EQ(outside.size(), 1U);
  EXPECT_THAT(outside[0], HasSubstr("ip link add veth12 "));
  EXPECT_THAT(outside[0], HasSubstr("master docker0"));
  EXPECT_THAT(commands(wire_container_side(docker0, endpoint, wiring)),
              ElementsAre("ip -n red link set eth0 up",
                          "ip -n red addr add 172.17.0.2/16 brd 172.17.255.255 dev eth0",
                          "ip -n red route replace default via 172.17.0.1 dev eth0"));
}

TEST(BridgePlan, AnInternalNetworkHasNoWayOut) {
  Network internal = docker0;
  internal.internal = true;
  const Endpoint endpoint{"bridge", {}, Ipv4(172, 17, 0, 2), {}, "veth12", "eth0", {}};
  EXPECT_EQ(wire_container_side(internal, endpoint, {}).size(), 2U);
}

TEST(BridgePlan, LinkNames) {
  const std::string name = host_link_name("one", "net");
  EXPECT_THAT(name, testing::MatchesRegex("veth[0-9a-f]{7}"));
  EXPECT_EQ(name, host_link_name("one", "net"));
  EXPECT_NE(name, host_link_name("two", "net"));
}

/// Two networks, one internal, and a published port: what docker 20.10 writes for the same.
TEST(BridgeRules, LookLikeDockers) {
  Network internal = network("inner", "172.19.0.0/16");
  internal.internal = true;
  internal.bridge = "br-inner";
  const std::vector<Network> networks{docker0, network("lab", "172.18.0.0/16"), internal};
  const std::vector<Forwarding> forwardings{
      {"docker0", Ipv4(172, 17, 0, 2), {Ipv4(), 8080, 80, 6}},
      {"docker0", Ipv4(172, 17, 0, 3), {Ipv4(127, 0, 0, 1), 5353, 53, 17}}};
  expect_golden_file("docker_rules", nft::ruleset_text(bridge_rules(networks, forwardings)));
}

TEST(Names, IdsAndNames) {
  const std::string id = random_id();
  EXPECT_THAT(id, testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_NE(id, random_id());
  EXPECT_EQ(short_id(id), id.substr(0, 12));
  int asked = 0;
  const auto name = random_name([&](const std::string&) { return ++asked < 60; });
  EXPECT_TRUE(check_name("container", name));
  for (const char* good : {"a", "web", "web-1", "My_web.2"}) {
    EXPECT_TRUE(check_name("container", good)) << good;
  }
  for (const char* wrong : {"", "-web", "we b", "a/b", "Ü"}) {
    EXPECT_FALSE(check_name("container", wrong)) << wrong;
  }
}

TEST(Names, FindByNameIdOrTheStartOfOne) {
  using Thing = std::pair<std::string, std::string>;
  const std::vector<Thing> things{{"web", "abc1"}, {"abc2", "ffff"}, {"db", "abc2"}, {"x", "e1"}};
  const auto find = [&](std::string_view wanted) {
    return find_by_name(
        things, wanted, [](const Thing& each) -> const auto& { return each.first; },
        [](const Thing& each) -> const auto& { return each.second; });
  };
  EXPECT_EQ(find("web").found, &things[0]);
  EXPECT_EQ(find("ffff").found, &things[1]);
  EXPECT_EQ(find("e").found, &things[3]);
  EXPECT_TRUE(find("abc").ambiguous);
  EXPECT_EQ(find("abc1").found, &things[0]);
  for (const char* nothing : {"", "we", "abc1x"}) {
    EXPECT_EQ(find(nothing).found, nullptr) << nothing;
    EXPECT_FALSE(find(nothing).ambiguous) << nothing;
  }
}

}  // namespace
}  // namespace hoplab::engine
