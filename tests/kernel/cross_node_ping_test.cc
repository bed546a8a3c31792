#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "runtime/base/text.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/settle.h"
#include "tests/kernel/cross_node_fixture.h"

// The milestone that stays green: a packet from a pod on one node reaches a pod on another node,
// wired by the plans, carried by the tunnel, one IP header inside another on the wire.

namespace hoplab {
namespace {

using test::Capture;
using test::endpoint;
using test::socket_in;
using tunnel::Variant;

class CrossNodePing : public test::CrossNode, public testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    test::SandboxNetns::SetUp();
    if (!IsSkipped()) start(GetParam());
  }
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
  // Only programs in the kernel carry on without the process.
  if (GetParam() == Variant::bpf) {
    EXPECT_TRUE(test::ping(w1_.pod.get(), w0_.pod_ip));
  } else {
    EXPECT_FALSE(test::ping(w1_.pod.get(), w0_.pod_ip, Millis(100)));
  }
  auto socket = NetlinkSocket::open_in(w1_.netns.get());
  ASSERT_TRUE(socket);
  EXPECT_TRUE(
      plan::plan_block_routes(routes_input(w1_), dump_routes(*socket).value()).operations.empty());
  start_tunnel(tunnel_w1_, w1_);
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
  EXPECT_GE(statistics["out"]["packets"], checked);
  EXPECT_GT(statistics["in"]["packets"], 10);
  if (GetParam() != Variant::bpf) {
    EXPECT_GT(statistics["out"]["packets"], statistics["out"]["frames"]) << "segmented by us";
  }
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

TEST_P(CrossNodePing, ATooBigPacketIsAnsweredByTheNode) {
  LinkSet narrow;
  narrow.name = "tunl0";
  narrow.mtu = 1300;
  test::must_apply(w1_.netns.get(), {{"", narrow, "smaller than the pod's"}});
  Fd client = socket_in(w1_.pod.get(), SOCK_DGRAM);
  const int always = IP_PMTUDISC_DO;
  ASSERT_EQ(setsockopt(client.get(), IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always), 0);
  const sockaddr_in to = endpoint(w0_.pod_ip, 53);
  ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const std::string text(1400, 'x');
  EXPECT_EQ(send(client.get(), text.data(), text.size(), 0), 1400);
  char nothing = 0;
  EXPECT_LT(recv(client.get(), &nothing, 1, 0), 0);
  EXPECT_EQ(errno, EMSGSIZE) << "fragmentation needed, says the node";
  int mtu = 0;
  socklen_t size = sizeof mtu;
  ASSERT_EQ(getsockopt(client.get(), IPPROTO_IP, IP_MTU, &mtu, &size), 0);
  EXPECT_EQ(mtu, 1300);
}

TEST_P(CrossNodePing, OfTheTosOnlyEcnIsCopied) {
  Capture wire(netns(), "rtr-a");
  Fd client = socket_in(w1_.pod.get(), SOCK_DGRAM);
  const sockaddr_in to = endpoint(w0_.pod_ip, 53);
  for (const int tos : {0xb8, 0xb9, 0x02, 0x03}) {
    ASSERT_EQ(setsockopt(client.get(), IPPROTO_IP, IP_TOS, &tos, sizeof tos), 0);
    ASSERT_EQ(sendto(client.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              1);
  }
  ASSERT_TRUE(test::ping(w1_.pod.get(), w0_.pod_ip)) << "the others are through";
  std::vector<int> outer;
  for (auto& packet : wire.tunnelled()) {
    const auto inner = tunnel::decapsulate(packet);
    if (inner && tunnel::read_ipv4(*inner)->protocol == IPPROTO_UDP) {
      outer.push_back(tunnel::read_ipv4(packet)->tos);
    }
  }
  // As the kernel's tunl0: no DSCP; "congestion met" becomes "capable", RFC 6040. (A UDP socket may
  // not set the ECN bits to CE itself: they are as it was allowed to.)
  ASSERT_EQ(outer.size(), 4U);
  EXPECT_EQ(outer[0], 0);
  for (const int tos : outer) EXPECT_EQ(tos & ~0x3, 0);
}

INSTANTIATE_TEST_SUITE_P(Variants, CrossNodePing,
                         testing::Values(Variant::veth, Variant::tun, Variant::bpf),
                         [](const auto& one) { return std::string(to_string(one.param)); });

}  // namespace
}  // namespace hoplab
