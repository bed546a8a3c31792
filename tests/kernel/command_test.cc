// What is printed is what is applied: every operation's command, typed into the real tools, makes
// the same kernel state as the operation itself.

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/observe/network.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

const Mac some_mac{{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}}, other_mac{{2, 0, 0, 0, 0, 9}};

std::vector<Action> build_up() {
  Neighbor node{.link = "tunl0", .ip = Ipv4(192, 168, 20, 100), .mac = other_mac};
  node.permanent = true;
  Neighbor proxy{.link = "cali1", .ip = Ipv4(169, 254, 1, 1)};
  proxy.proxy = true;
  Link pod{.name = "cali1", .mac = some_mac, .mtu = 1480, .up = true, .master = "br0"};
  pod.group = 77;
  return {
      LinkAdd{{.name = "br0", .kind = LinkKind::bridge, .mac = other_mac, .up = true}},
      VethAdd{pod, {.name = "eth0", .mac = other_mac, .mtu = 1400}, "POD"},
      VethAdd{{.name = "tunl0", .mac = some_mac, .up = true}, {.name = "wire"}, ""},
      LinkSet{.name = "wire", .up = true, .mtu = 1480, .mac = other_mac, .alias = "one end"},
      LinkSet{.name = "wire", .up = false, .master = "br0"},
      LinkSet{.name = "cali1", .master = ""},
      AddressAdd{{.link = "tunl0", .prefix = {Ipv4(172, 16, 158, 0), 32}}},
      AddressAdd{
          {.link = "br0", .prefix = {Ipv4(11, 11, 11, 1), 24}, .broadcast = Ipv4(11, 11, 11, 255)}},
      AddressAdd{{.link = "lo", .prefix = {Ipv4(127, 0, 0, 2), 32}}},
      RouteReplace{{.destination = {Ipv4(172, 16, 34, 0), 24},
                    .gateway = Ipv4(192, 168, 20, 100),
                    .link = "tunl0",
                    .protocol = route_protocol::bird,
                    .onlink = true}},
      RouteReplace{{.destination = {Ipv4(172, 16, 158, 0), 24},
                    .type = RouteType::blackhole,
                    .protocol = route_protocol::bird}},
      RouteReplace{{.destination = Prefix::host(Ipv4(172, 16, 158, 3)),
                    .link = "cali1",
                    .scope = RouteScope::link}},
      RouteReplace{{.destination = {Ipv4(172, 16, 40, 0), 24}, .link = "cali1"}},
      RouteReplace{{.gateway = Ipv4(11, 11, 11, 254), .link = "br0"}},
      RouteReplace{{.destination = {Ipv4(10, 1, 0, 0), 16},
                    .link = "br0",
                    .source = Ipv4(11, 11, 11, 1),
                    .protocol = route_protocol::felix,
                    .scope = RouteScope::link,
                    .metric = 50,
                    .table = 1000}},
      NeighborReplace{node},
      NeighborReplace{proxy},
      SysctlSet{"net/ipv4/ip_forward", "1"},
      SysctlSet{"net/ipv4/conf/cali1/proxy_arp", "1"},
  };
}

std::vector<Action> tear_down() {
  Neighbor node{.link = "tunl0", .ip = Ipv4(192, 168, 20, 100)};
  Neighbor proxy{.link = "cali1", .ip = Ipv4(169, 254, 1, 1)};
  proxy.proxy = true;
  return {
      NeighborDelete{node},
      NeighborDelete{proxy},
      RouteDelete{{.destination = {Ipv4(172, 16, 158, 0), 24},
                   .type = RouteType::blackhole,
                   .protocol = route_protocol::bird}},
      RouteDelete{{.destination = Prefix::host(Ipv4(172, 16, 158, 3)),
                   .link = "cali1",
                   .scope = RouteScope::link}},
      AddressDelete{{.link = "tunl0", .prefix = {Ipv4(172, 16, 158, 0), 32}}},
      LinkDelete{"br0"},
  };
}

// Everything about a namespace that the operations decide, as sorted lines.
std::vector<std::string> describe(int netns_fd) {
  auto state = observe_network(netns_fd);
  EXPECT_TRUE(state) << state.error().message();
  if (!state) return {};
  std::vector<std::string> lines;
  for (const Link& link : state->links) {
    lines.push_back(str("link ", link.name, " ", to_string(link.kind), " ",
                        link.mac ? to_string(*link.mac) : "", " mtu ", link.mtu, " up ", link.up,
                        " master ", link.master, " alias ", link.alias, " group ", link.group));
  }
  for (const Address& address : state->addresses) {
    lines.push_back(str("address ", to_string(address.prefix), " ", address.link, " brd ",
                        address.broadcast ? to_string(*address.broadcast) : "none"));
  }
  for (const Route& route : state->routes) lines.push_back("route " + to_string(route));
  for (const Neighbor& neighbor : state->neighbors) {
    lines.push_back(str("neighbor ", neighbor.proxy ? "proxy " : "", to_string(neighbor.ip), " ",
                        neighbor.link, " ", neighbor.mac ? to_string(*neighbor.mac) : "", " ",
                        neighbor.state));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

bool have(const std::string& tool) {
  return std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0;
}

class Commands : public test::SandboxNetns {
 protected:
  void SetUp() override {
    SandboxNetns::SetUp();
    if (IsSkipped()) return;
    if (!have("ip") || !have("sysctl")) GTEST_SKIP() << "ip or sysctl is not installed";
    applied_ = make_named_host("applied");
    typed_ = make_named_host("typed");
    applied_pod_ = make_host();
    typed_pod_ = make_named_host("POD");
  }

  void run_both(const std::vector<Action>& actions) {
    std::vector<Operation> operations;
    for (const Action& action : actions) {
      operations.push_back({"applied", action, ""});
      const std::string command = to_command({"typed", action, ""});
      const int status = std::system((command + " >/dev/null").c_str());
      EXPECT_EQ(status, 0) << command;
    }
    test::must_apply(applied_.get(), operations, applied_pod_.get());
    EXPECT_EQ(describe(applied_.get()), describe(typed_.get()));
    EXPECT_EQ(describe(applied_pod_.get()), describe(typed_pod_.get()));
  }

  Fd applied_, typed_, applied_pod_, typed_pod_;
};

TEST_F(Commands, TypedOrAppliedIsTheSame) {
  run_both(build_up());
  for (int netns : {applied_.get(), typed_.get()}) {
    EXPECT_EQ(*read_sysctl(netns, "net/ipv4/ip_forward"), "1");
    EXPECT_EQ(*read_sysctl(netns, "net/ipv4/conf/cali1/proxy_arp"), "1");
  }
  EXPECT_THAT(
      describe(typed_.get()),
      testing::Contains("route 172.16.34.0/24 via 192.168.20.100 dev tunl0 proto bird onlink"));
  run_both(tear_down());
}

// The lines of `ip route` and of to_string(Route) are the same lines.
TEST_F(Commands, RoutesPrintAsIpPrintsThem) {
  run_both(build_up());
  const std::string path = "/run/routes";
  ASSERT_EQ(std::system(("ip -n typed route show table all > " + path).c_str()), 0);
  auto text = read_file(path);
  ::unlink(path.c_str());
  ASSERT_TRUE(text);
  std::vector<std::string> printed;
  for (std::string_view line : split(*text, '\n')) {
    const std::string words = std::string(trim(line));
    // The other address family, and what depends on the moment, are none of ours.
    if (words.empty() || words.find(':') != std::string::npos) continue;
    printed.push_back(words.substr(0, words.find(" linkdown")));
  }
  std::vector<std::string> ours;
  const auto state = observe_network(typed_.get());
  ASSERT_TRUE(state);
  for (const Route& route : state->routes) ours.push_back(to_string(route));
  EXPECT_THAT(ours, testing::UnorderedElementsAreArray(printed));
}

}  // namespace
}  // namespace hoplab
