#include <gtest/gtest.h>

#include "runtime/model/operation.h"

namespace hoplab {
namespace {

const Mac calico_mac{{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}};

TEST(RouteText, IsWhatIpRoutePrints) {
  Route block{.destination = {Ipv4(172, 16, 184, 0), 24},
              .gateway = Ipv4(192, 168, 10, 102),
              .link = "tunl0",
              .protocol = route_protocol::bird,
              .onlink = true};
  EXPECT_EQ(to_string(block), "172.16.184.0/24 via 192.168.10.102 dev tunl0 proto bird onlink");
  Route blackhole{.destination = {Ipv4(172, 16, 158, 0), 24},
                  .type = RouteType::blackhole,
                  .protocol = route_protocol::bird};
  EXPECT_EQ(to_string(blackhole), "blackhole 172.16.158.0/24 proto bird");
  Route pod{.destination = Prefix::host(Ipv4(172, 16, 158, 3)),
            .link = "cali123",
            .scope = RouteScope::link};
  EXPECT_EQ(to_string(pod), "172.16.158.3 dev cali123 scope link");
  EXPECT_EQ(to_string(Route{.gateway = Ipv4(169, 254, 1, 1), .link = "eth0"}),
            "default via 169.254.1.1 dev eth0");
  Route connected{.destination = {Ipv4(192, 168, 10, 0), 24},
                  .link = "eth0",
                  .source = Ipv4(192, 168, 10, 101),
                  .protocol = route_protocol::kernel,
                  .scope = RouteScope::link,
                  .metric = 100};
  EXPECT_EQ(to_string(connected),
            "192.168.10.0/24 dev eth0 proto kernel scope link src 192.168.10.101 metric 100");
  Route local{.destination = Prefix::host(Ipv4(127, 0, 0, 1)),
              .type = RouteType::local,
              .link = "lo",
              .source = Ipv4(127, 0, 0, 1),
              .protocol = route_protocol::kernel,
              .scope = RouteScope::host,
              .table = 255};
  EXPECT_EQ(to_string(local),
            "local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1");
}

TEST(RouteText, NumbersProtocolsWithoutAName) {
  Route vxlan{.destination = {Ipv4(10, 1, 0, 0), 26},
              .type = RouteType::unreachable,
              .protocol = route_protocol::felix,
              .table = 100};
  EXPECT_EQ(to_string(vxlan), "unreachable 10.1.0.0/26 table 100 proto 80");
  EXPECT_EQ(route_protocol_name(route_protocol::boot), "boot");
}

TEST(LinkKindText, ReadsBackWhatItPrints) {
  for (auto kind :
       {LinkKind::loopback, LinkKind::veth, LinkKind::bridge, LinkKind::vxlan, LinkKind::ipip,
        LinkKind::tun, LinkKind::dummy, LinkKind::ifb, LinkKind::macvlan, LinkKind::device}) {
    EXPECT_EQ(parse_link_kind(to_string(kind)), kind);
  }
  EXPECT_EQ(parse_link_kind("wireguard"), LinkKind::other);
}

TEST(Command, Links) {
  EXPECT_EQ(to_command({"k8s-w1", VethAdd{{.name = "cali1"}, {.name = "eth0"}, "POD"}, ""}),
            "ip -n k8s-w1 link add cali1 type veth peer name eth0 netns POD");
  Link host{.name = "cali1", .mac = calico_mac, .mtu = 1480, .up = true, .master = "cni0"};
  host.group = 77;
  EXPECT_EQ(
      to_command({"", VethAdd{host, {.name = "eth0", .mtu = 1480}, ""}, ""}),
      "ip link add cali1 address ee:ee:ee:ee:ee:ee mtu 1480 group 77 master cni0 up type veth "
      "peer name eth0 mtu 1480");
  EXPECT_EQ(to_command({"RED", LinkAdd{{.name = "br0", .kind = LinkKind::bridge, .up = true}}, ""}),
            "ip -n RED link add br0 up type bridge");
  EXPECT_EQ(to_command({"", LinkSet{.name = "veth1", .up = true, .master = "br0"}, ""}),
            "ip link set veth1 master br0 up");
  EXPECT_EQ(to_command({"", LinkSet{.name = "veth1", .up = false, .mtu = 1400, .master = ""}, ""}),
            "ip link set veth1 mtu 1400 nomaster down");
  EXPECT_EQ(to_command({"", LinkSet{.name = "a", .mac = calico_mac, .alias = "pod a/b c"}, ""}),
            "ip link set a address ee:ee:ee:ee:ee:ee alias 'pod a/b c'");
  EXPECT_EQ(to_command({"k8s-m", LinkDelete{"cali1"}, ""}), "ip -n k8s-m link del cali1");
}

TEST(Command, Addresses) {
  Address red{.link = "eth0", .prefix = {Ipv4(11, 11, 11, 2), 24}, .broadcast = {}};
  EXPECT_EQ(to_command({"RED", AddressAdd{red}, ""}), "ip -n RED addr add 11.11.11.2/24 dev eth0");
  red.broadcast = Ipv4(11, 11, 11, 255);
  EXPECT_EQ(to_command({"RED", AddressDelete{red}, ""}),
            "ip -n RED addr del 11.11.11.2/24 brd 11.11.11.255 dev eth0");
}

TEST(Command, Routes) {
  Route pod{.destination = Prefix::host(Ipv4(172, 16, 158, 3)), .link = "cali1"};
  EXPECT_EQ(to_command({"k8s-w1", RouteReplace{pod}, ""}),
            "ip -n k8s-w1 route replace 172.16.158.3 dev cali1 scope global");
  pod.scope = RouteScope::link;
  EXPECT_EQ(to_command({"k8s-w1", RouteReplace{pod}, ""}),
            "ip -n k8s-w1 route replace 172.16.158.3 dev cali1 scope link");
  EXPECT_EQ(to_command({"", RouteDelete{pod}, ""}),
            "ip route del 172.16.158.3 dev cali1 scope link");
}

TEST(Command, Neighbors) {
  Neighbor node{.link = "tunl0", .ip = Ipv4(192, 168, 20, 100), .mac = calico_mac};
  node.permanent = true;
  EXPECT_EQ(to_command({"", NeighborReplace{node}, ""}),
            "ip neigh replace 192.168.20.100 lladdr ee:ee:ee:ee:ee:ee dev tunl0 nud permanent");
  EXPECT_EQ(to_command({"", NeighborDelete{node}, ""}),
            "ip neigh del 192.168.20.100 lladdr ee:ee:ee:ee:ee:ee dev tunl0");
  Neighbor proxy{.link = "cali1", .ip = Ipv4(169, 254, 1, 1)};
  proxy.proxy = true;
  EXPECT_EQ(to_command({"k8s-w1", NeighborReplace{proxy}, ""}),
            "ip -n k8s-w1 neigh replace proxy 169.254.1.1 dev cali1");
}

TEST(Command, TrafficControl) {
  EXPECT_EQ(to_command({"k8s-w1", ClsactAdd{"eth0"}, ""}),
            "tc -n k8s-w1 qdisc add dev eth0 clsact");
  const BpfFilter filter{.link = "eth0",
                         .hook = TrafficHook::ingress,
                         .preference = 4,
                         .handle = 17,
                         .program = "ipip_decap"};
  EXPECT_EQ(to_command({"", FilterReplace{filter}, ""}),
            "tc filter replace dev eth0 ingress protocol ip pref 4 handle 0x11 bpf direct-action "
            "object-pinned /sys/fs/bpf/ipip_decap");
  EXPECT_EQ(to_command({"", FilterDelete{filter}, ""}),
            "tc filter del dev eth0 ingress protocol ip pref 4 handle 0x11 bpf");
  EXPECT_EQ(to_command({"k8s-w1", OffloadSet{"tunl0", false}, ""}),
            "ip netns exec k8s-w1 ethtool -K tunl0 tx off");
  EXPECT_EQ(to_command({"", LinkSet{.name = "tunl0", .up = true, .arp = false}, ""}),
            "ip link set tunl0 arp off up");
}

TEST(Command, Sysctls) {
  EXPECT_EQ(to_command({"k8s-w1", SysctlSet{"net/ipv4/conf/cali1/proxy_arp", "1"}, ""}),
            "ip netns exec k8s-w1 sysctl -w net.ipv4.conf.cali1.proxy_arp=1");
  EXPECT_EQ(to_command({"", SysctlSet{"net/ipv4/conf/eth0.10/forwarding", "1"}, ""}),
            "sysctl -w net/ipv4/conf/eth0.10/forwarding=1");
  EXPECT_EQ(to_command({"", SysctlSet{"net/ipv4/ping_group_range", "0 0"}, ""}),
            "sysctl -w 'net.ipv4.ping_group_range=0 0'");
}

}  // namespace
}  // namespace hoplab
