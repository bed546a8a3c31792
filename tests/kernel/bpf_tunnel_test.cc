#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "runtime/netlink/dump.h"
#include "runtime/netlink/traffic_control.h"
#include "runtime/tunnel/bpf_plan.h"
#include "tests/kernel/cross_node_fixture.h"

// What only the eBPF tunnel does: its filters survive, come back, follow the node's address and
// make room for another variant, and packets can be seen where they should be.

namespace hoplab {
namespace {

using test::Capture;
using tunnel::Variant;

class BpfTunnel : public test::CrossNode {
 protected:
  void SetUp() override {
    test::SandboxNetns::SetUp();
    if (!IsSkipped()) start(Variant::bpf);
  }

  static std::vector<BpfFilter> filters(const test::TestNode& node, const std::string& link) {
    auto socket = NetlinkSocket::open_in(node.netns.get());
    EXPECT_TRUE(socket);
    return dump_bpf_filters(*socket, link, TrafficHook::ingress).value();
  }

  bool pod_to_pod() { return test::ping(w1_.pod.get(), w0_.pod_ip); }

  /// Gives the tunnel's thread time to see a change.
  template <typename Condition>
  static bool eventually(Condition&& condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(Millis(10));
    }
    return false;
  }
};

bool passed(const Capture::Packets& packets, Ipv4 from, Ipv4 to) {
  return std::any_of(packets.begin(), packets.end(), [&](const auto& packet) {
    const auto view = tunnel::read_ipv4(packet);
    return view->source == from && view->destination == to;
  });
}

TEST_F(BpfTunnel, ACaptureOnTunl0ShowsBothDirections) {
  Capture tunnel(w1_.netns.get(), "tunl0");
  ASSERT_TRUE(pod_to_pod());
  const auto packets = tunnel.packets();
  EXPECT_TRUE(passed(packets, w1_.pod_ip, w0_.pod_ip)) << "leaving";
  EXPECT_TRUE(passed(packets, w0_.pod_ip, w1_.pod_ip)) << "arriving";
}

TEST_F(BpfTunnel, TheLinkCountsBothDirections) {
  ASSERT_TRUE(pod_to_pod());
  const Json statistics = tunnel_w1_->stop();
  EXPECT_EQ(statistics["variant"], "bpf");
  EXPECT_GE(statistics["out"]["packets"], 1);
  EXPECT_GE(statistics["in"]["packets"], 1);
  EXPECT_GE(statistics["out"]["bytes"], 28);
}

TEST_F(BpfTunnel, ARestartKeepsTheVeryFilters) {
  const auto encap = filters(w1_, "tunl0-peer");
  const auto decap = filters(w1_, "eth0");
  ASSERT_EQ(encap.size(), 1U);
  ASSERT_EQ(decap.size(), 1U);
  tunnel_w1_->stop();
  start_tunnel(tunnel_w1_, w1_);
  EXPECT_EQ(filters(w1_, "tunl0-peer"), encap) << "the same program id: nothing was replaced";
  EXPECT_EQ(filters(w1_, "eth0"), decap);
  EXPECT_TRUE(pod_to_pod());
}

TEST_F(BpfTunnel, DeletedFiltersComeBackWhenTheNetworkChanges) {
  const std::vector<Operation> gone{{"", FilterDelete{tunnel::decap_filter("eth0")}, "a learner"},
                                    {"", FilterDelete{tunnel::encap_filter("tunl0")}, "a learner"}};
  test::must_apply(w1_.netns.get(), gone);
  EXPECT_FALSE(test::ping(w1_.pod.get(), w0_.pod_ip, Millis(100)));
  Route other;
  other.destination = Prefix::parse("172.16.99.0/24").value();
  other.gateway = w0_.address.address();
  other.link = "tunl0";
  other.onlink = true;
  test::must_apply(w1_.netns.get(), {{"", RouteReplace{other}, "something to notice"}});
  EXPECT_TRUE(eventually([&] { return filters(w1_, "eth0").size() == 1; }));
  EXPECT_TRUE(pod_to_pod());
}

TEST_F(BpfTunnel, FollowsTheNodesAddress) {
  const Address before{"eth0", w1_.address, {}};
  const Address after{"eth0", Prefix::parse("192.168.10.77/24").value(), {}};
  Route everything;
  everything.gateway = w1_.router;
  everything.link = "eth0";
  test::must_apply(w1_.netns.get(), {{"", AddressDelete{before}, "moved"},
                                     {"", AddressAdd{after}, "moved"},
                                     {"", RouteReplace{everything}, "default"}});
  w1_.address = after.prefix;
  test::must_apply(w0_.netns.get(), plan::plan_block_routes(routes_input(w0_), {}).operations);
  Capture wire(netns(), "rtr-a");
  EXPECT_TRUE(eventually([&] { return test::ping(w1_.pod.get(), w0_.pod_ip, Millis(100)); }));
  EXPECT_TRUE(passed(wire.tunnelled(), after.prefix.address(), w0_.address.address()));
}

TEST_F(BpfTunnel, APacketMayLeaveByTheTunnelAgain) {
  // Both nodes think that the other has this network: the packet goes to and fro until its TTL is
  // used up, wrapped and unwrapped each time. (A NodePort for a pod elsewhere does so once.)
  for (const auto* node : {&w1_, &w0_}) {
    Route elsewhere;
    elsewhere.destination = Prefix::parse("172.16.99.0/24").value();
    elsewhere.gateway = (node == &w1_ ? w0_ : w1_).address.address();
    elsewhere.link = "tunl0";
    elsewhere.onlink = true;
    test::must_apply(node->netns.get(), {{"", RouteReplace{elsewhere}, "a loop"}});
  }
  Capture wire(netns(), "rtr-a");
  EXPECT_FALSE(test::ping(w1_.pod.get(), Ipv4(172, 16, 99, 9), Millis(200)));
  EXPECT_GT(wire.tunnelled().size(), 30U);
}

TEST_F(BpfTunnel, StillCarriesTcpWhenOffloadsAreTurnedOn) {
  for (const auto* node : {&w1_, &w0_}) {
    test::must_apply(node->netns.get(), {{"", OffloadSet{"tunl0", true}, "a learner"}});
  }
  Fd listener = test::socket_in(w0_.pod.get(), SOCK_STREAM);
  const sockaddr_in to = test::endpoint(w0_.pod_ip, 80);
  const auto* address = reinterpret_cast<const sockaddr*>(&to);
  ASSERT_EQ(bind(listener.get(), address, sizeof to), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  Fd client = test::socket_in(w1_.pod.get(), SOCK_STREAM);
  ASSERT_EQ(connect(client.get(), address, sizeof to), 0);
  Fd server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  constexpr size_t total = 4U << 20U;
  std::thread writer([&] {
    const std::string text(total, 'x');
    EXPECT_TRUE(write_all(client.get(), text));
    client.reset();
  });
  EXPECT_EQ(read_all(server.get()).value().size(), total);
  writer.join();
}

TEST_F(BpfTunnel, AProcessTakesOverOnTheSameLinkAndBack) {
  const auto routes_before = [&] {
    auto socket = NetlinkSocket::open_in(w1_.netns.get());
    return dump_routes(*socket).value();
  };
  const auto before = routes_before();
  tunnel_w1_->stop();
  tunnel_w0_->stop();
  variant_ = Variant::veth;
  start_tunnel(tunnel_w1_, w1_);
  start_tunnel(tunnel_w0_, w0_);
  EXPECT_TRUE(filters(w1_, "eth0").empty());
  EXPECT_TRUE(filters(w1_, "tunl0-peer").empty());
  routes(w1_);  // also the neighbors that the process reads the next hop from
  routes(w0_);
  EXPECT_TRUE(pod_to_pod());
  EXPECT_GE(tunnel_w1_->stop()["out"]["packets"], 1) << "it was the process";
  tunnel_w0_->stop();
  variant_ = Variant::bpf;
  start_tunnel(tunnel_w1_, w1_);
  start_tunnel(tunnel_w0_, w0_);
  EXPECT_TRUE(pod_to_pod());
  EXPECT_EQ(routes_before(), before);
}

TEST_F(BpfTunnel, AnotherVariantServesWhenTheKernelRefuses) {
  tunnel_w1_->stop();
  LinkDelete link{"tunl0"};
  test::must_apply(w1_.netns.get(), {{"", link, "as on a fresh node"},
                                     {"", FilterDelete{tunnel::decap_filter("eth0")}, "too"}});
  {
    // Somebody's filter of another kind sits where ours must be.
    auto inside = NetnsGuard::enter(w1_.netns.get());
    ASSERT_TRUE(inside);
    ASSERT_EQ(std::system("tc filter add dev eth0 ingress pref 4 protocol all "  // NOLINT: a test
                          "u32 match u32 0 0"),
              0);
  }
  tunnel_w1_ = std::make_unique<test::RunningTunnel>(w1_.netns.get(), std::nullopt);
  tunnel::Probe found = tunnel::probe();
  found.bpf = false;
  variant_ = tunnel::choose(found).variant;  // the next best
  ASSERT_NE(variant_, Variant::bpf);
  routes(w1_);
  EXPECT_TRUE(pod_to_pod());
  EXPECT_EQ(tunnel_w1_->stop()["variant"], to_string(variant_));
}

}  // namespace
}  // namespace hoplab
