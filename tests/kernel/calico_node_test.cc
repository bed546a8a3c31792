#include "runtime/reconcile/calico_node.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>

#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"
#include "runtime/netlink/dump.h"
#include "runtime/plan/felix_rules.h"
#include "runtime/plan/ipam_objects.h"
#include "runtime/plan/pod_network.h"
#include "store/registry.h"
#include "tests/kernel/eventually.h"
#include "tests/kernel/running_tunnel.h"
#include "tests/kernel/sandbox_netns.h"

// Two nodes whose network is kept by calico-node, from objects alone.

namespace hoplab {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

using test::eventually;

/// What `hoplab calico-node` does, as a thread.
class RunningCalicoNode {
 public:
  RunningCalicoNode(int netns_fd, Source& source, const std::string& name,
                    const std::string& conflist)
      : stop_(eventfd(0, EFD_CLOEXEC)) {
    thread_ = test::thread_in(netns_fd, [this, &source, name, conflist] {
      reconcile::CalicoNodeConfig config;
      config.node = name;
      config.conflist = conflist;
      config.retry = Millis(100);
      config.resync = Millis(1000);
      reconcile::CalicoNode node(source, clock_, config, Log(name));
      auto ended = node.run(stop_.get());
      EXPECT_TRUE(ended) << (ended ? "" : ended.error().message());
    });
  }
  RunningCalicoNode(const RunningCalicoNode&) = delete;
  RunningCalicoNode& operator=(const RunningCalicoNode&) = delete;
  ~RunningCalicoNode() {
    const uint64_t one = 1;
    EXPECT_EQ(write(stop_.get(), &one, sizeof one), 8);
    thread_.join();
  }

 private:
  SystemClock clock_;
  Fd stop_;
  std::thread thread_;
};

class CalicoNodeTest : public test::SandboxNetns {
 protected:
  void SetUp() override {
    test::SandboxNetns::SetUp();
    if (IsSkipped()) return;
    store_ = ObjectStore::open(dir_.file("store.db"), {}).value();
    registry_ = Registry::open(*store_, clock_, {}).value();
    must_create("Namespace", {{"metadata", {{"name", "default"}}}});
    must_create("IPPool", {{"metadata", {{"name", "default-ipv4-ippool"}}},
                           {"spec",
                            {{"cidr", "172.16.0.0/16"},
                             {"blockSize", 24},
                             {"ipipMode", "Always"},
                             {"natOutgoing", true}}}});
    w1_ = make_host();
    w2_ = make_host();
    VethAdd cable;
    cable.link.name = "eth0";
    cable.link.up = true;
    cable.peer.name = "eth0";
    cable.peer_netns = "w2";
    test::must_apply(
        w1_.get(),
        {{"", cable, "cable"},
         {"", AddressAdd{{"eth0", Prefix::parse("192.168.10.101/24").value(), {}}}, "address"}},
        w2_.get());
    LinkSet up;
    up.name = "eth0";
    up.up = true;
    test::must_apply(
        w2_.get(),
        {{"", up, "plugged in"},
         {"", AddressAdd{{"eth0", Prefix::parse("192.168.10.102/24").value(), {}}}, "address"}});
    make_node("w1", "192.168.10.101", "172.16.158.0/24");
    make_node("w2", "192.168.10.102", "172.16.184.0/24");
  }

  void must_create(const char* name, Json object) {
    const api::Kind& kind = api::kind_of(name);
    object["apiVersion"] = kind.api_version();
    object["kind"] = name;
    auto made = registry_->create(kind, "", std::move(object));
    ASSERT_TRUE(made) << made.error().message();
  }

  void make_node(const std::string& name, const std::string& ip, const std::string& block) {
    must_create(
        "Node",
        {{"metadata", {{"name", name}, {"annotations", {{plan::first_block_annotation, block}}}}}});
    auto status =
        registry_->patch(api::kind_of("Node"), "", name, PatchType::merge,
                         {{"status", {{"addresses", {{{"type", "InternalIP"}, {"address", ip}}}}}}},
                         Subresource::status);
    ASSERT_TRUE(status) << status.error().message();
  }

  void start() {
    tunnel_1_ = std::make_unique<test::RunningTunnel>(w1_.get(), tunnel::Variant::veth);
    tunnel_2_ = std::make_unique<test::RunningTunnel>(w2_.get(), tunnel::Variant::veth);
    node_1_ = std::make_unique<RunningCalicoNode>(w1_.get(), *registry_, "w1", dir_.file("1.json"));
    node_2_ = std::make_unique<RunningCalicoNode>(w2_.get(), *registry_, "w2", dir_.file("2.json"));
    ASSERT_TRUE(eventually([&] {
      return read_file(dir_.file("1.json")).ok() && read_file(dir_.file("2.json")).ok() &&
             routes(w1_).size() >= 2 && routes(w2_).size() >= 2;
    }));
  }

  /// Routes with protocol bird, as `ip route` prints them.
  static std::vector<std::string> routes(const Fd& netns) {
    auto socket = NetlinkSocket::open_in(netns.get());
    std::vector<std::string> out;
    const std::vector<Route> all = dump_routes(*socket).value();
    for (const Route& route : all) {
      if (route.protocol == route_protocol::bird) out.push_back(to_string(route));
    }
    return out;
  }

  size_t events(const std::string& reason) {
    size_t count = 0;
    const ObjectList list = registry_->list(api::kind_of("Event"), {}).value();
    for (const Json& event : list.items) count += string_or(event, "reason") == reason ? 1 : 0;
    return count;
  }

  SystemClock clock_;
  TestDir dir_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Registry> registry_;
  Fd w1_, w2_;
  std::unique_ptr<test::RunningTunnel> tunnel_1_, tunnel_2_;
  std::unique_ptr<RunningCalicoNode> node_1_, node_2_;
};

TEST_F(CalicoNodeTest, TwoNodesReachEachOthersTunnelAddresses) {
  start();
  EXPECT_THAT(routes(w1_), testing::UnorderedElementsAre(
                               "172.16.184.0/24 via 192.168.10.102 dev tunl0 proto bird onlink",
                               "blackhole 172.16.158.0/24 proto bird"));
  EXPECT_TRUE(
      eventually([&] { return test::ping(w1_.get(), Ipv4(172, 16, 184, 0), Millis(500)); }));
  const Json node = registry_->get(api::kind_of("Node"), "", "w1").value();
  const Json& annotations = at_path(node, "metadata.annotations");
  EXPECT_EQ(annotations["projectcalico.org/IPv4Address"], "192.168.10.101/24");
  EXPECT_EQ(annotations["projectcalico.org/IPv4IPIPTunnelAddr"], "172.16.158.0");
  EXPECT_THAT(read_file(dir_.file("1.json")).value(), HasSubstr(R"("type": "calico-ipam")"));
}

TEST_F(CalicoNodeTest, ItsRulesAreThereAndComeBack) {
  start();
  plan::FelixRulesInput input;
  input.pools = {{Prefix::parse("172.16.0.0/16").value(), true}};
  auto firewall = nft::Firewall::open_in(
      w1_.get(), {std::string(plan::felix_owner), {std::string(plan::felix_chain_prefix)}});
  ASSERT_TRUE(firewall);
  const auto settled = [&] {
    auto plan = firewall->plan(plan::felix_rules(input));
    return plan.ok() && plan->empty();
  };
  ASSERT_TRUE(eventually(settled));
  ASSERT_TRUE(firewall->sync(plan::felix_rules({})));
  EXPECT_FALSE(settled());
  EXPECT_TRUE(eventually(settled));
  EXPECT_TRUE(eventually([&] { return events("RulesRepaired") > 0; }));
}

TEST_F(CalicoNodeTest, ADeletedRouteComesBackAndForeignOnesStay) {
  start();
  Route foreign;
  foreign.destination = Prefix::parse("172.16.99.0/24").value();
  foreign.type = RouteType::blackhole;
  foreign.protocol = route_protocol::static_;
  Route ours;
  ours.destination = Prefix::parse("172.16.184.0/24").value();
  ours.gateway = Ipv4(192, 168, 10, 102);
  ours.link = "tunl0";
  ours.onlink = true;
  ours.protocol = route_protocol::bird;
  ASSERT_THAT(routes(w1_), Contains(to_string(ours)));
  test::must_apply(w1_.get(), {{"", RouteReplace{foreign}, "somebody's"}});
  // A repair that comes together with news of the other node is no repair to tell of: once more
  // then.
  EXPECT_TRUE(eventually([&] {
    test::must_apply(w1_.get(), {{"", RouteDelete{ours}, "a learner tries"}});
    EXPECT_TRUE(eventually([&] { return routes(w1_).size() == 2; }));
    EXPECT_THAT(routes(w1_), Contains(to_string(ours)));
    return events("NetworkRepaired") > 0;
  }));
  auto socket = NetlinkSocket::open_in(w1_.get());
  EXPECT_THAT(dump_routes(*socket).value(), Contains(foreign));
}

TEST_F(CalicoNodeTest, ADeletedRouteOfAPodComesBack) {
  start();
  const Fd pod = make_host();
  reconcile::IpamClient ipam(*registry_, clock_, "w1", Log("ipam"));
  const auto assigned =
      ipam.assign({{plan::pod_handle("x"), {{"namespace", "default"}, {"pod", "red"}}}});
  ASSERT_TRUE(assigned) << assigned.error().message();
  plan::PodNetwork network;
  network.pod_netns = "pod";
  network.namespace_name = "default";
  network.pod = "red";
  network.ip = assigned->at(0).ip;
  const std::vector<Operation> wiring = plan::wire_node_side(network);
  test::must_apply(w1_.get(), wiring, pod.get());
  const Route way = std::get<RouteReplace>(wiring.back().action).route;
  const auto there = [&] {
    auto socket = NetlinkSocket::open_in(w1_.get());
    const auto all = dump_routes(*socket).value();
    return std::find(all.begin(), all.end(), way) != all.end();
  };
  ASSERT_TRUE(there());
  test::must_apply(w1_.get(), {{"", RouteDelete{way}, "a learner tries"}});
  EXPECT_FALSE(there());
  EXPECT_TRUE(eventually(there));
  EXPECT_TRUE(eventually([&] { return events("NetworkRepaired") > 0; }));
}

TEST_F(CalicoNodeTest, ARemovedNodeLosesItsRoute) {
  start();
  node_2_.reset();
  ASSERT_TRUE(reconcile::release_node(*registry_, "w2"));
  ASSERT_TRUE(registry_->remove(api::kind_of("Node"), "", "w2"));
  EXPECT_TRUE(eventually([&] { return routes(w1_).size() == 1; }));
  EXPECT_THAT(routes(w1_), Contains("blackhole 172.16.158.0/24 proto bird"));
}

TEST_F(CalicoNodeTest, ItStartsBeforeTheTunnelAndWithoutAPool) {
  ASSERT_TRUE(registry_->remove(api::kind_of("IPPool"), "", "default-ipv4-ippool"));
  RunningCalicoNode early(w1_.get(), *registry_, "w1", dir_.file("1.json"));
  EXPECT_TRUE(eventually([&] { return read_file(dir_.file("1.json")).ok(); }));
  must_create("IPPool",
              {{"metadata", {{"name", "p"}}},
               {"spec", {{"cidr", "172.16.0.0/16"}, {"blockSize", 24}, {"ipipMode", "Always"}}}});
  EXPECT_TRUE(eventually([&] { return routes(w1_).size() == 1; }));
  test::RunningTunnel late(w1_.get(), tunnel::Variant::veth);
  EXPECT_TRUE(
      eventually([&] { return test::ping(w1_.get(), Ipv4(172, 16, 158, 0), Millis(100)); }));
}

}  // namespace
}  // namespace hoplab
