#include "runtime/netlink/messages.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <iomanip>
#include <sstream>

#include "runtime/base/test_golden.h"
#include "runtime/base/text.h"

namespace hoplab {
namespace {

const Mac calico_mac{{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}};

MessageInputs inputs() {
  return {.link_index = [](const std::string& name) -> Result<int32_t> {
            if (name == "lo") return 1;
            if (name == "eth0") return 2;
            if (name == "cni0") return 7;
            if (name == "tunl0") return 9;
            return Error::from_errno(ENODEV, "looking for link " + name);
          },
          .peer_netns = [](const std::string&) -> Result<int> { return 33; },
          .program = [](const std::string&) -> Result<int> { return 44; }};
}

// Four bytes a line, as netlink is aligned.
std::string hex(const MessageBytes& bytes) {
  std::ostringstream out;
  out << std::hex << std::setfill('0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    out << std::setw(2) << static_cast<int>(bytes[i]) << ((i + 1) % 4 == 0 ? "\n" : " ");
  }
  return out.str();
}

// tests/golden/netlink/NAME.txt: the command, then the bytes.
void expect_golden(const std::string& name, const Action& action) {
  auto message = build_message(action, inputs());
  ASSERT_TRUE(message) << message.error().message();
  expect_golden_file("netlink/" + name, "# " + to_command({"", action, ""}) + "\n" + hex(*message));
}

TEST(MessageGolden, Links) {
  expect_golden("link_add_bridge",
                LinkAdd{{.name = "cni0", .kind = LinkKind::bridge, .mtu = 1450, .up = true}});
  Link host{.name = "cali123", .mac = calico_mac, .mtu = 1480, .up = true, .master = "cni0"};
  host.group = 77;
  expect_golden("veth_add_pod", VethAdd{host, {.name = "eth0", .mtu = 1480}, "POD"});
  expect_golden("veth_add_here", VethAdd{{.name = "a"}, {.name = "b"}, ""});
  expect_golden("link_set_up", LinkSet{.name = "lo", .up = true});
  expect_golden("link_set_all", LinkSet{.name = "eth0",
                                        .up = false,
                                        .mtu = 1400,
                                        .mac = calico_mac,
                                        .master = "cni0",
                                        .alias = "default/web"});
  expect_golden("link_set_nomaster", LinkSet{.name = "eth0", .master = ""});
  expect_golden("link_delete", LinkDelete{"cali123"});
}

TEST(MessageGolden, Addresses) {
  Address address{
      .link = "tunl0", .prefix = {Ipv4(172, 16, 158, 0), 32}, .broadcast = Ipv4(172, 16, 158, 0)};
  expect_golden("address_add", AddressAdd{address});
  expect_golden("address_delete", AddressDelete{address});
  expect_golden("address_add_loopback",
                AddressAdd{{.link = "lo", .prefix = {Ipv4(127, 0, 0, 2), 8}}});
}

TEST(MessageGolden, Routes) {
  Route block{.destination = {Ipv4(172, 16, 34, 0), 24},
              .gateway = Ipv4(192, 168, 20, 100),
              .link = "tunl0",
              .protocol = route_protocol::bird,
              .onlink = true};
  expect_golden("route_replace_onlink", RouteReplace{block});
  expect_golden("route_delete_onlink", RouteDelete{block});
  expect_golden("route_replace_blackhole", RouteReplace{{.destination = {Ipv4(172, 16, 0, 0), 24},
                                                         .type = RouteType::blackhole,
                                                         .protocol = route_protocol::bird}});
  expect_golden("route_replace_default",
                RouteReplace{{.gateway = Ipv4(169, 254, 1, 1), .link = "eth0"}});
  expect_golden("route_replace_table", RouteReplace{{.destination = {Ipv4(10, 1, 0, 0), 16},
                                                     .link = "eth0",
                                                     .source = Ipv4(10, 1, 0, 9),
                                                     .scope = RouteScope::link,
                                                     .metric = 50,
                                                     .table = 1000}});
}

TEST(MessageGolden, Neighbors) {
  Neighbor node{.link = "tunl0", .ip = Ipv4(192, 168, 20, 100), .mac = calico_mac};
  node.permanent = true;
  expect_golden("neighbor_replace", NeighborReplace{node});
  expect_golden("neighbor_delete", NeighborDelete{node});
  Neighbor proxy{.link = "eth0", .ip = Ipv4(169, 254, 1, 1)};
  proxy.proxy = true;
  expect_golden("neighbor_replace_proxy", NeighborReplace{proxy});
}

TEST(MessageGolden, TrafficControl) {
  expect_golden("clsact_add", ClsactAdd{"eth0"});
  const BpfFilter filter{.link = "eth0",
                         .hook = TrafficHook::ingress,
                         .preference = 4,
                         .handle = 1,
                         .program = "ipip_decap"};
  expect_golden("filter_replace", FilterReplace{filter});
  expect_golden("filter_delete", FilterDelete{filter});
  expect_golden("link_set_noarp", LinkSet{.name = "tunl0", .up = true, .arp = false});
}

std::string refusal(const Action& action, const MessageInputs& with = inputs()) {
  auto message = build_message(action, with);
  return message ? "built" : message.error().message();
}

TEST(Message, RefusesWhatTheKernelCannotDo) {
  EXPECT_EQ(refusal(LinkDelete{"a-name-of-16-byt"}),
            "link name \"a-name-of-16-byt\" has 16 bytes; 1 to 15 are allowed");
  EXPECT_EQ(refusal(LinkSet{.name = ""}), "link name \"\" has 0 bytes; 1 to 15 are allowed");
  EXPECT_EQ(refusal(VethAdd{{.name = "a"}, {.name = "b", .up = true}, ""}),
            "the peer b cannot be set up in the request that makes it");
  EXPECT_EQ(refusal(LinkAdd{{.name = "a", .kind = LinkKind::bridge, .alias = "x"}}),
            "the kernel ignores an alias in the request that makes a");
  EXPECT_EQ(refusal(AddressAdd{{.link = "eth9", .prefix = {}}}),
            "looking for link eth9: No such device (ENODEV)");
  EXPECT_EQ(refusal(VethAdd{{.name = "a"}, {.name = "b"}, "POD"}, {}),
            "no descriptor is known for namespace POD");
  MessageInputs no_programs = inputs();
  no_programs.program = {};
  EXPECT_EQ(refusal(FilterReplace{{.link = "eth0", .program = "ipip_decap"}}, no_programs),
            "no descriptor is known for program ipip_decap");
}

TEST(Message, KnowsWhichLinksMustExistAndWhichChange) {
  using testing::ElementsAre;
  using testing::IsEmpty;
  VethAdd veth{{.name = "a", .master = "cni0"}, {.name = "b"}, ""};
  EXPECT_THAT(links_needed(veth), ElementsAre("cni0"));
  EXPECT_THAT(links_changed(veth), ElementsAre("a", "b"));
  veth.peer_netns = "POD";
  EXPECT_THAT(links_changed(veth), ElementsAre("a"));
  EXPECT_THAT(links_needed(LinkSet{.name = "a", .up = true}), IsEmpty());
  EXPECT_THAT(links_needed(LinkSet{.name = "a", .master = "br0"}), ElementsAre("br0"));
  EXPECT_THAT(links_needed(RouteReplace{{.type = RouteType::blackhole}}), IsEmpty());
  EXPECT_THAT(links_needed(RouteDelete{{.link = "eth0"}}), ElementsAre("eth0"));
  EXPECT_THAT(links_needed(FilterReplace{{.link = "eth0"}}), ElementsAre("eth0"));
}

TEST(ForEachMessage, StopsAtALengthThatDoesNotFit) {
  MessageBytes two = *build_message(LinkDelete{"a"}, inputs());
  const size_t one = two.size();
  two.insert(two.end(), two.begin(), two.begin() + static_cast<ptrdiff_t>(one));
  const auto count = [](std::span<const std::byte> bytes) {
    int seen = 0;
    for_each_message(bytes, [&](const nlmsghdr&) { ++seen; });
    return seen;
  };
  EXPECT_EQ(count(two), 2);
  for (size_t size = one; size < two.size(); ++size)
    EXPECT_EQ(count(std::span(two).first(size)), 1);
  reinterpret_cast<nlmsghdr*>(two.data())->nlmsg_len = 3;
  EXPECT_EQ(count(two), 0);
}

}  // namespace
}  // namespace hoplab
