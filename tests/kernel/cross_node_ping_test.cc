#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/settle.h"
#include "runtime/plan/block_routes.h"
#include "runtime/plan/pod_network.h"
#include "runtime/plan/tunnel_plan.h"
#include "runtime/tunnel/packet.h"
#include "runtime/tunnel/tunnel.h"
#include "tests/kernel/running_tunnel.h"
#include "tests/kernel/sandbox_netns.h"

// The milestone that stays green: a packet from a pod on one node reaches a pod on another node,
// wired by the plans, carried by the tunnel, one IP header inside another on the wire.

namespace hoplab {
namespace {

using test::RunningTunnel;
using tunnel::Bytes;
using tunnel::Variant;

Prefix cidr(std::string_view text) {
  return Prefix::parse(text).value();
}

/// What passes a link, as frames.
class Capture {
 public:
  Capture(int netns_fd, const std::string& link) {
    auto inside = NetnsGuard::enter(netns_fd);
    EXPECT_TRUE(inside);
    socket_ = Fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(link.c_str()));
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  /// How often somebody has asked for this neighbor until now.
  int arp_requests(Ipv4 target) {
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

  /// Outer packets of protocol 4 seen until now.
  std::vector<std::vector<uint8_t>> tunnelled() {
    std::vector<std::vector<uint8_t>> out;
    std::vector<uint8_t> frame(65536);
    for (;;) {
      const ssize_t got = recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
      if (got < 0) return out;
      const Bytes bytes(frame.data(), static_cast<size_t>(got));
      const auto view = tunnel::read_ipv4(bytes);
      if (view && view->protocol == 4) out.emplace_back(bytes.begin(), bytes.end());
    }
  }

 private:
  Fd socket_;
};

struct Node {
  std::string name;
  Prefix address;
  Ipv4 router;
  Prefix block;
  Fd netns;
  Fd pod;
  Ipv4 pod_ip;
};

class CrossNodePing : public test::SandboxNetns, public testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    test::SandboxNetns::SetUp();
    if (IsSkipped()) return;
    const tunnel::Probe found = tunnel::probe();
    if (GetParam() == Variant::tun && !found.dev_net_tun) {
      GTEST_SKIP() << "no TUN device: " << found.dev_net_tun_problem;
    }
    w1_ = make_node("k8s-w1", "192.168.10.101/24", "192.168.10.254", "172.16.158.0/24", "rtr-a");
    w0_ = make_node("k8s-w0", "192.168.20.100/24", "192.168.20.254", "172.16.34.0/24", "rtr-b");
    test::must_apply(netns(), {{"", SysctlSet{"net/ipv4/ip_forward", "1"}, "it is the router"}});
    start_tunnels();
    for (Node* node : {&w1_, &w0_}) {
      routes(*node);
      wire_pod(*node);
    }
  }

  Node make_node(const std::string& name, std::string_view address, std::string_view router,
                 std::string_view block, const std::string& router_link) {
    Node node;
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
    test::must_apply(
        netns(),
        {{"", cable, "cable"}, {"", AddressAdd{{router_link, router_address, {}}}, "router"}},
        node.netns.get());
    Route everything;
    everything.gateway = node.router;
    everything.link = "eth0";
    LinkSet up;
    up.name = "eth0";
    up.up = true;
    test::must_apply(node.netns.get(), {{"", up, "uplink"},
                                        {"", AddressAdd{{"eth0", node.address, {}}}, "address"},
                                        {"", RouteReplace{everything}, "default"},
                                        {"", SysctlSet{"net/ipv4/ip_forward", "1"}, "a node"}});
    return node;
  }

  void start_tunnels() {
    tunnel_w1_ = std::make_unique<RunningTunnel>(w1_.netns.get(), GetParam());
    tunnel_w0_ = std::make_unique<RunningTunnel>(w0_.netns.get(), GetParam());
  }

  plan::BlockRoutesInput input(const Node& node) const {
    plan::BlockRoutesInput out;
    out.own_node = node.name;
    for (const Node* one : {&w1_, &w0_}) {
      out.nodes.push_back({one->name, one->address});
      out.blocks.push_back({one->block, one->name, plan::Encapsulation::always, {}});
    }
    return out;
  }

  void routes(const Node& node) {
    auto socket = NetlinkSocket::open_in(node.netns.get());
    ASSERT_TRUE(socket);
    plan::TunnelInput wanted;
    wanted.address = Prefix::host(node.block.network());
    const std::vector<Link> links = dump_links(*socket).value();
    for (const Link& link : links) {
      if (link.name != "tunl0") continue;
      test::must_apply(node.netns.get(), plan::plan_tunnel_link(wanted, &link, {}));
    }
    if (tunnel::needs_neighbors(GetParam())) {
      test::must_apply(node.netns.get(), plan::plan_tunnel_neighbors(input(node), {}));
    }
    test::must_apply(node.netns.get(), plan::plan_block_routes(input(node), {}).operations);
    // The plan is stable: what the kernel shows now needs no change.
    const auto again = plan::plan_block_routes(input(node), dump_routes(*socket).value());
    EXPECT_TRUE(again.operations.empty()) << to_command(again.operations[0]);
  }

  static void wire_pod(const Node& node) {
    plan::PodNetwork network;
    network.node_netns = node.name;
    network.pod_netns = "pod";
    network.namespace_name = "default";
    network.pod = "web";
    network.ip = node.pod_ip;
    test::must_apply(node.netns.get(), plan::wire_node_side(network), node.pod.get());
    test::must_apply(node.pod.get(), plan::wire_pod_side(network));
    const std::vector<std::string> host_ends{plan::host_link_name("default", "web")};
    auto settled = settle_links(node.netns.get(), host_ends);
    EXPECT_TRUE(settled) << settled.error().message();
  }

  Node w1_, w0_;
  std::unique_ptr<RunningTunnel> tunnel_w1_, tunnel_w0_;
};

TEST_P(CrossNodePing, OneHeaderInsideAnother) {
  Capture wire(netns(), "rtr-a");
  ASSERT_TRUE(test::ping(w1_.pod.get(), w0_.pod_ip));
  ASSERT_TRUE(test::ping(w0_.pod.get(), w1_.pod_ip));
  const auto packets = wire.tunnelled();
  ASSERT_GE(packets.size(), 4U);
  std::vector<uint8_t> first = packets[0];
  const auto outer = tunnel::read_ipv4(first);
  EXPECT_EQ(outer->source, w1_.address.address());
  EXPECT_EQ(outer->destination, w0_.address.address());
  EXPECT_EQ(outer->ttl, 63) << "tunl0 passes the inner TTL on, the pod's node took one";
  const auto bytes = tunnel::decapsulate(first);
  ASSERT_TRUE(bytes);
  const auto inner = tunnel::read_ipv4(*bytes);
  EXPECT_EQ(inner->source, w1_.pod_ip);
  EXPECT_EQ(inner->destination, w0_.pod_ip);
  EXPECT_EQ(inner->protocol, IPPROTO_ICMP);
  EXPECT_EQ(tunnel::checksum_fold(tunnel::checksum_add(bytes->first(20))), 0);
  EXPECT_EQ(tunnel::checksum_fold(tunnel::checksum_add(bytes->subspan(20))), 0);
}

TEST_P(CrossNodePing, TheFirstPacketOfAFreshPodIsNotLost) {
  // A lost one shows as a second ARP request, which the kernel sends a second later.
  Capture pod(w1_.pod.get(), "eth0");
  EXPECT_TRUE(test::ping(w1_.pod.get(), w0_.pod_ip));
  EXPECT_EQ(pod.arp_requests(Ipv4(169, 254, 1, 1)), 1);
}

TEST_P(CrossNodePing, ALinkWithoutItsOtherEndDoesNotSettle) {
  const std::vector<std::string> missing{"nowhere"};
  EXPECT_EQ(settle_links(netns(), missing, Millis(1)).error().code(), ErrorCode::not_found);
  LinkSet down;
  down.name = "eth0";
  down.up = false;
  test::must_apply(w1_.netns.get(), {{"", down, "unplugged"}});
  const std::vector<std::string> unplugged{"rtr-a"};
  EXPECT_EQ(settle_links(netns(), unplugged, Millis(3)).error().code(), ErrorCode::timed_out);
}

TEST_P(CrossNodePing, TheNodeItselfReachesThePodFromItsTunnelAddress) {
  Capture wire(netns(), "rtr-a");
  ASSERT_TRUE(test::ping(w1_.netns.get(), w0_.pod_ip));
  auto packets = wire.tunnelled();
  ASSERT_FALSE(packets.empty());
  const auto inner = tunnel::decapsulate(packets[0]);
  ASSERT_TRUE(inner);
  EXPECT_EQ(tunnel::read_ipv4(*inner)->source, w1_.block.network());
}

TEST_P(CrossNodePing, ACrashedTunnelLeavesEverythingInPlace) {
  ASSERT_TRUE(test::ping(w1_.pod.get(), w0_.pod_ip));
  tunnel_w1_->stop();
  EXPECT_FALSE(test::ping(w1_.pod.get(), w0_.pod_ip, Millis(100)));
  auto socket = NetlinkSocket::open_in(w1_.netns.get());
  ASSERT_TRUE(socket);
  EXPECT_TRUE(plan::plan_block_routes(input(w1_), dump_routes(*socket).value()).operations.empty());
  tunnel_w1_ = std::make_unique<RunningTunnel>(w1_.netns.get(), GetParam());
  EXPECT_TRUE(test::ping(w1_.pod.get(), w0_.pod_ip));
}

/// Sends a pattern from the connected socket; reads it on the other and compares.
void send_pattern(int from, int to, size_t bytes) {
  std::thread writer([&] {
    std::string block(1 << 16, '\0');
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<char>(i * 31 >> 3);
    for (size_t done = 0; done < bytes; done += block.size()) {
      auto written = write_all(from, block);
      EXPECT_TRUE(written) << written.error().message();
      if (!written) return;
    }
  });
  std::vector<uint8_t> got(1 << 16);
  size_t total = 0;
  while (total < bytes) {
    const ssize_t n = recv(to, got.data(), got.size(), 0);
    if (n <= 0) break;
    for (ssize_t i = 0; i < n; ++i) {
      const size_t at = (total + static_cast<size_t>(i)) % (1 << 16);
      if (got[static_cast<size_t>(i)] != static_cast<uint8_t>(at * 31 >> 3)) {
        ADD_FAILURE() << "wrong byte at " << total + static_cast<size_t>(i);
        total = bytes;
        break;
      }
    }
    total += static_cast<size_t>(n);
  }
  EXPECT_GE(total, bytes);
  writer.join();
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

TEST_P(CrossNodePing, CarriesBulkTcpWithRightChecksumsOnTheWire) {
  Fd listener = socket_in(w0_.pod.get(), SOCK_STREAM);
  const sockaddr_in to = endpoint(w0_.pod_ip, 80);
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  ASSERT_EQ(bind(listener.get(), address, sizeof to), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  Fd client = socket_in(w1_.pod.get(), SOCK_STREAM);
  ASSERT_EQ(connect(client.get(), address, sizeof to), 0);
  Fd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const timeval limit{5, 0};
  setsockopt(server.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  Capture wire(netns(), "rtr-a");
  send_pattern(client.get(), server.get(), 16U << 20U);
  size_t checked = 0;
  for (auto& packet : wire.tunnelled()) {
    ASSERT_LE(packet.size(), 1500U) << "no packet larger than the underlay's MTU";
    const auto inner = tunnel::decapsulate(packet);
    ASSERT_TRUE(inner);
    const auto ip = tunnel::read_ipv4(*inner);
    const uint16_t want = tunnel::transport_checksum(*ip, inner->subspan(ip->header_length), 16);
    ASSERT_EQ(std::memcmp(&want, &(*inner)[ip->header_length + 16], 2), 0);
    ++checked;
  }
  EXPECT_GT(checked, 10U);
  const Json statistics = tunnel_w1_->stop();
  EXPECT_GT(statistics["out"]["packets"], statistics["out"]["frames"]) << "segmented by us";
  EXPECT_EQ(statistics["dropped"]["malformed"], 0);
}

TEST_P(CrossNodePing, CarriesLargeDatagrams) {
  Fd server = socket_in(w0_.pod.get(), SOCK_DGRAM);
  const sockaddr_in to = endpoint(w0_.pod_ip, 53);
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  ASSERT_EQ(bind(server.get(), address, sizeof to), 0);
  Fd client = socket_in(w1_.pod.get(), SOCK_DGRAM);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1452}, size_t{1453}, size_t{20000}}) {
    const std::string text(size, 'x');
    ASSERT_EQ(sendto(client.get(), text.data(), size, 0, address, sizeof to),
              static_cast<ssize_t>(size));
    std::string got(65536, '\0');
    EXPECT_EQ(recv(server.get(), got.data(), got.size(), 0), static_cast<ssize_t>(size));
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, CrossNodePing, testing::Values(Variant::veth, Variant::tun),
                         [](const auto& one) { return std::string(to_string(one.param)); });

}  // namespace
}  // namespace hoplab
