#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include "runtime/base/text.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/monitor.h"
#include "runtime/netlink/netns.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

// One word per event: "+cali1", "-10.0.0.0/8 dev …".
std::string describe(const NetlinkEvent& event) {
  if (event.kind == NetlinkEvent::Kind::resync) return "resync";
  const std::string sign = event.kind == NetlinkEvent::Kind::removed ? "-" : "+";
  if (const auto* link = std::get_if<Link>(&event.object)) return sign + "link " + link->name;
  if (const auto* address = std::get_if<Address>(&event.object)) {
    return sign + "address " + to_string(address->prefix) + " " + address->link;
  }
  if (const auto* route = std::get_if<Route>(&event.object)) {
    return sign + "route " + to_string(*route);
  }
  const auto& neighbor = std::get<Neighbor>(event.object);
  return str(sign, "neighbor ", to_string(neighbor.ip), " ", neighbor.link);
}

std::vector<std::string> read_all(NetlinkMonitor& monitor) {
  auto events = monitor.read();
  EXPECT_TRUE(events) << events.error().message();
  std::vector<std::string> out;
  if (events) {
    for (const auto& event : *events) out.push_back(describe(event));
  }
  return out;
}

bool readable(const NetlinkMonitor& monitor) {
  pollfd wanted{monitor.fd(), POLLIN, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

class Monitor : public test::SandboxNetns {};

TEST_F(Monitor, ReportsEveryKindOfChange) {
  auto monitor = NetlinkMonitor::open();
  ASSERT_TRUE(monitor) << monitor.error().message();
  EXPECT_THAT(read_all(*monitor), IsEmpty());
  EXPECT_FALSE(readable(*monitor));
  Neighbor neighbor{.link = "br0", .ip = Ipv4(10, 0, 0, 9)};
  neighbor.mac = Mac{{2, 0, 0, 0, 0, 9}};
  neighbor.permanent = true;
  const Route route{.destination = {Ipv4(10, 9, 0, 0), 16},
                    .gateway = Ipv4(10, 0, 0, 9),
                    .link = "br0",
                    .protocol = route_protocol::bird};
  test::must_apply(netns(),
                   {{"", LinkAdd{{.name = "br0", .kind = LinkKind::bridge, .up = true}}, ""},
                    {"", AddressAdd{{.link = "br0", .prefix = {Ipv4(10, 0, 0, 1), 24}}}, ""},
                    {"", RouteReplace{route}, ""},
                    {"", NeighborReplace{neighbor}, ""}});
  EXPECT_TRUE(readable(*monitor));
  EXPECT_THAT(read_all(*monitor),
              testing::IsSupersetOf({"+link br0", "+address 10.0.0.1/24 br0",
                                     "+route 10.9.0.0/16 via 10.0.0.9 dev br0 proto bird",
                                     "+neighbor 10.0.0.9 br0"}));
  test::must_apply(netns(), {{"", RouteDelete{route}, ""},
                             {"", NeighborDelete{neighbor}, ""},
                             {"", LinkDelete{"br0"}, ""}});
  // The names of what is gone are still known.
  EXPECT_THAT(
      read_all(*monitor),
      testing::IsSupersetOf({"-route 10.9.0.0/16 via 10.0.0.9 dev br0 proto bird",
                             "-neighbor 10.0.0.9 br0", "-address 10.0.0.1/24 br0", "-link br0"}));
}

TEST_F(Monitor, LeavingABridgeIsNotGoingAway) {
  test::must_apply(netns(), {{"", LinkAdd{{.name = "br0", .kind = LinkKind::bridge}}, ""},
                             {"", VethAdd{{.name = "a"}, {.name = "b"}, ""}, ""},
                             {"", LinkSet{.name = "a", .master = "br0"}, ""}});
  auto monitor = NetlinkMonitor::open();
  ASSERT_TRUE(monitor);
  test::must_apply(netns(), {{"", LinkSet{.name = "a", .master = ""}, ""}});
  const auto events = read_all(*monitor);
  EXPECT_THAT(events, Contains("+link a"));
  EXPECT_THAT(events, Not(Contains("-link a")));
}

TEST_F(Monitor, OnlyTheGroupsAskedFor) {
  auto monitor = NetlinkMonitor::open({.addresses = false, .routes = true, .neighbors = false});
  ASSERT_TRUE(monitor);
  test::must_apply(
      netns(),
      {{"", AddressAdd{{.link = "lo", .prefix = {Ipv4(10, 0, 0, 1), 32}}}, ""},
       {"", RouteReplace{{.destination = {Ipv4(10, 9, 0, 0), 16}, .type = RouteType::blackhole}},
        ""}});
  EXPECT_THAT(read_all(*monitor),
              ElementsAre("+route local 10.0.0.1 dev lo table local proto kernel scope host src "
                          "10.0.0.1",
                          "+route blackhole 10.9.0.0/16"));
}

TEST_F(Monitor, SeesOnlyItsNamespace) {
  Fd other = make_host();
  auto monitor = NetlinkMonitor::open_in(other.get());
  ASSERT_TRUE(monitor);
  test::must_apply(netns(), {{"", LinkAdd{{.name = "br0", .kind = LinkKind::bridge}}, ""}});
  EXPECT_THAT(read_all(*monitor), IsEmpty());
  test::must_apply(other.get(), {{"", LinkAdd{{.name = "br1", .kind = LinkKind::bridge}}, ""}});
  EXPECT_THAT(read_all(*monitor), Contains("+link br1"));
}

TEST_F(Monitor, SaysWhenEventsWereLost) {
  auto monitor = NetlinkMonitor::open();
  ASSERT_TRUE(monitor);
  const int tiny = 1;
  ::setsockopt(monitor->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny);
  std::vector<Operation> operations;
  for (uint32_t i = 0; i < 200; ++i) {
    operations.push_back({"",
                          RouteReplace{{.destination = Prefix::host(Ipv4(10, 0, 0, 0) + i),
                                        .type = RouteType::blackhole}},
                          ""});
  }
  test::must_apply(netns(), operations);
  const auto events = read_all(*monitor);
  EXPECT_LT(events.size(), operations.size());
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(), "resync");
  // And goes on afterwards.
  test::must_apply(
      netns(),
      {{"", RouteReplace{{.destination = {Ipv4(10, 9, 0, 0), 16}, .type = RouteType::blackhole}},
        ""}});
  EXPECT_THAT(read_all(*monitor), ElementsAre("+route blackhole 10.9.0.0/16"));
}

}  // namespace
}  // namespace hoplab
