#include "tests/kernel/cross_node_fixture.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "runtime/base/text.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/settle.h"
#include "runtime/plan/pod_network.h"
#include "runtime/plan/tunnel_plan.h"

namespace hoplab::test {

namespace {

Prefix cidr(std::string_view text) {
  return Prefix::parse(text).value();
}

}  // namespace

Capture::Capture(int netns_fd, const std::string& link) {
  auto inside = NetnsGuard::enter(netns_fd);
  EXPECT_TRUE(inside);
  socket_ = Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(link.c_str()));
  EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

Capture::Packets Capture::packets() {
  Packets out;
  std::vector<uint8_t> frame(65536);
  for (;;) {
    const ssize_t got = recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
    if (got < 0) return out;
    const tunnel::Bytes bytes(frame.data(), static_cast<size_t>(got));
    if (tunnel::read_ipv4(bytes)) out.emplace_back(bytes.begin(), bytes.end());
  }
}

Capture::Packets Capture::tunnelled() {
  Packets out = packets();
  std::erase_if(out, [](const auto& packet) { return tunnel::read_ipv4(packet)->protocol != 4; });
  return out;
}

int Capture::arp_requests(Ipv4 target) {
  int count = 0;
  std::array<uint8_t, 65536> frame;
  for (;;) {
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return count;
    if (from.sll_protocol != htons(ETH_P_ARP) || got < 28 || frame[7] != ARPOP_REQUEST) continue;
    const uint32_t wanted = target.network_order();
    if (std::memcmp(frame.data() + 24, &wanted, sizeof wanted) == 0) ++count;
  }
}

void CrossNode::start(tunnel::Variant variant) {
  variant_ = variant;
  if (auto possible = tunnel::can_use(variant, tunnel::probe()); !possible) {
    GTEST_SKIP() << possible.error().message();
  }
  w1_ = make_node("k8s-w1", "192.168.10.101/24", "192.168.10.254", "172.16.158.0/24", "rtr-a");
  w0_ = make_node("k8s-w0", "192.168.20.100/24", "192.168.20.254", "172.16.34.0/24", "rtr-b");
  must_apply(netns(), {{"", SysctlSet{"net/ipv4/ip_forward", "1"}, "it is the router"}});
  start_tunnel(tunnel_w1_, w1_);
  start_tunnel(tunnel_w0_, w0_);
  for (TestNode* node : {&w1_, &w0_}) {
    routes(*node);
    wire_pod(*node);
  }
}

void CrossNode::start_tunnel(std::unique_ptr<RunningTunnel>& tunnel, const TestNode& node) {
  tunnel = std::make_unique<RunningTunnel>(node.netns.get(), variant_);
}

TestNode CrossNode::make_node(const std::string& name, std::string_view address,
                              std::string_view router, std::string_view block,
                              const std::string& router_link) {
  TestNode node;
  node.name = name;
  node.address = cidr(address);
  node.router = Ipv4::parse(router).value();
  node.block = cidr(block);
  node.pod_ip = node.block.network() + 1;
  node.netns = make_host();
  node.pod = make_host();
  VethAdd cable;
  cable.link.name = router_link;
  cable.link.up = true;
  cable.peer.name = "eth0";
  cable.peer_netns = name;
  const Prefix router_address(node.router, node.address.length());
  must_apply(netns(),
             {{"", cable, "cable"}, {"", AddressAdd{{router_link, router_address, {}}}, "router"}},
             node.netns.get());
  Route everything;
  everything.gateway = node.router;
  everything.link = "eth0";
  LinkSet up;
  up.name = "eth0";
  up.up = true;
  must_apply(node.netns.get(), {{"", up, "uplink"},
                                {"", AddressAdd{{"eth0", node.address, {}}}, "address"},
                                {"", RouteReplace{everything}, "default"},
                                {"", SysctlSet{"net/ipv4/ip_forward", "1"}, "a node"}});
  return node;
}

plan::BlockRoutesInput CrossNode::routes_input(const TestNode& node) const {
  plan::BlockRoutesInput out;
  out.own_node = node.name;
  for (const TestNode* one : {&w1_, &w0_}) {
    out.nodes.push_back({one->name, one->address});
    out.blocks.push_back({one->block, one->name, plan::Encapsulation::always, {}});
  }
  return out;
}

void CrossNode::routes(const TestNode& node) {
  auto socket = NetlinkSocket::open_in(node.netns.get());
  ASSERT_TRUE(socket);
  plan::TunnelInput wanted;
  wanted.address = Prefix::host(node.block.network());
  const std::vector<Link> links = dump_links(*socket).value();
  for (const Link& link : links) {
    if (link.name != "tunl0") continue;
    must_apply(node.netns.get(),
               plan::plan_tunnel_link(wanted, &link, dump_addresses(*socket).value()));
  }
  if (tunnel::needs_neighbors(variant_)) {
    must_apply(node.netns.get(), plan::plan_tunnel_neighbors(routes_input(node), {}));
  }
  must_apply(node.netns.get(), plan::plan_block_routes(routes_input(node), {}).operations);
  // The plan is stable: what the kernel shows now needs no change.
  const auto again = plan::plan_block_routes(routes_input(node), dump_routes(*socket).value());
  EXPECT_TRUE(again.operations.empty()) << to_command(again.operations[0]);
}

void CrossNode::wire_pod(const TestNode& node) {
  plan::PodNetwork network;
  network.node_netns = node.name;
  network.pod_netns = "pod";
  network.namespace_name = "default";
  network.pod = "web";
  network.ip = node.pod_ip;
  must_apply(node.netns.get(), plan::wire_node_side(network), node.pod.get());
  must_apply(node.pod.get(), plan::wire_pod_side(network));
  const std::vector<std::string> host_ends{plan::host_link_name("default", "web")};
  auto settled = settle_links(node.netns.get(), host_ends);
  EXPECT_TRUE(settled) << settled.error().message();
}

Fd socket_in(int netns_fd, int type) {
  auto inside = NetnsGuard::enter(netns_fd);
  EXPECT_TRUE(inside);
  Fd out(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval limit{5, 0};
  setsockopt(out.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(out.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return out;
}

sockaddr_in endpoint(Ipv4 ip, uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = ip.network_order();
  return out;
}

}  // namespace hoplab::test
