#include "runtime/reconcile/proxy.h"

#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"
#include "runtime/reconcile/stale_flows.h"
#include "store/registry.h"

namespace hoplab::reconcile {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

/// Remembers what it was told; can be told to fail, or that somebody removed rules.
class FakeKernel final : public ProxyKernel {
 public:
  struct State {
    Ruleset rules;
    size_t syncs = 0;
    size_t updates = 0;
    size_t failures_left = 0;
    bool somebody_flushed = false;
    std::set<NodePort> held;
    std::vector<std::string> taken;  ///< What hold_ports() complains of.
    std::vector<ConntrackFilter> forgotten;
  };

  Result<nft::ApplyReport> sync(const Ruleset& desired) override {
    auto state = state_.lock();
    ++state->syncs;
    if (state->failures_left > 0) {
      --state->failures_left;
      return Error(ErrorCode::unavailable, "the kernel is busy");
    }
    nft::ApplyReport report;
    if (state->somebody_flushed) {
      nft::Change change{nft::ChangeKind::add_rule, "nat", "KUBE-SERVICES", {}, Rule{}, 0, 0};
      report.changes.rewire = {change};
      report.foreign_chains = {"nat KUBE-SERVICES"};
      state->somebody_flushed = false;
    }
    state->rules = desired;
    return report;
  }
  Result<nft::ApplyReport> update(const Ruleset& changed, const ChainKeys& removed) override {
    auto state = state_.lock();
    ++state->updates;
    if (state->somebody_flushed) return Error(ErrorCode::not_found, "no chain KUBE-MARK-MASQ");
    for (const Table& table : changed.tables) {
      for (const Chain& chain : table.chains) state->rules.chain(table.name, chain.name) = chain;
    }
    for (const auto& [table, name] : removed) {
      std::erase_if(state->rules.tables[0].chains,
                    [&chain = name](const Chain& c) { return c.name == chain; });
    }
    return nft::ApplyReport{};
  }
  std::vector<std::string> hold_ports(const std::set<NodePort>& ports) override {
    auto state = state_.lock();
    state->held = ports;
    return state->taken;
  }
  Result<size_t> forget_flows(const std::vector<ConntrackFilter>& flows) override {
    auto state = state_.lock();
    state->forgotten.insert(state->forgotten.end(), flows.begin(), flows.end());
    return flows.size();
  }
  std::vector<std::string> prepare() override { return {}; }

  Locked<State>::Held state() { return state_.lock(); }

 private:
  Locked<State> state_;
};

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

class ProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = ObjectStore::open(dir_.file("store.db"), {}).value();
    registry_ = Registry::open(*store_, clock_, {}).value();
    create("Namespace", "", {{"metadata", {{"name", "default"}}}});
  }
  void TearDown() override {
    if (!proxy_) return;
    proxy_->stop();
    thread_.join();
  }

  void create(const std::string& kind, const std::string& where, const Json& object) {
    auto made = registry_->create(api::kind_of(kind), where, object);
    if (!made && made.error().code() == ErrorCode::already_exists) return;
    ASSERT_TRUE(made) << made.error().message();
  }
  void create_service(const std::string& name, const std::string& protocol_name, int node_port) {
    Json port = {{"port", 80}, {"protocol", protocol_name}, {"name", "p"}};
    if (node_port != 0) port["nodePort"] = node_port;
    create("Service", "default",
           {{"metadata", {{"name", name}}},
            {"spec", {{"type", node_port == 0 ? "ClusterIP" : "NodePort"}, {"ports", {port}}}}});
  }
  static Json slice(const std::string& service, const std::string& protocol_name,
                    const std::vector<std::string>& addresses) {
    Json endpoints = Json::array();
    for (const std::string& ip : addresses) {
      endpoints.push_back({{"addresses", {ip}}, {"conditions", {{"ready", true}}}});
    }
    return {{"metadata",
             {{"name", service + "-x"}, {"labels", {{"kubernetes.io/service-name", service}}}}},
            {"addressType", "IPv4"},
            {"ports", {{{"name", "p"}, {"port", 8080}, {"protocol", protocol_name}}}},
            {"endpoints", endpoints}};
  }
  void replace_slice(const std::string& service, const std::string& protocol_name,
                     const std::vector<std::string>& addresses) {
    auto done = registry_->update(api::kind_of("EndpointSlice"), "default", service + "-x",
                                  slice(service, protocol_name, addresses));
    ASSERT_TRUE(done) << done.error().message();
  }
  void start(ProxyOptions options) {
    options.config.node = "k8s-w1";
    proxy_.emplace(*registry_, kernel_, options, Log("kube-proxy", 2, LogLevel::error));
    thread_ = std::thread([this] { proxy_->run(); });
  }
  size_t chains_with(const std::string& prefix) {
    size_t count = 0;
    auto state = kernel_.state();
    for (const Table& table : state->rules.tables) {
      for (const Chain& chain : table.chains) count += chain.name.starts_with(prefix) ? 1 : 0;
    }
    return count;
  }

  TestDir dir_;
  SystemClock clock_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Registry> registry_;
  FakeKernel kernel_;
  std::optional<Proxy> proxy_;
  std::thread thread_;
};

TEST_F(ProxyTest, WritesWhatIsThereAndThenOnlyWhatChanges) {
  create_service("web", "TCP", 30080);
  create("EndpointSlice", "default", slice("web", "TCP", {"172.16.1.1", "172.16.1.2"}));
  start({});
  ASSERT_TRUE(eventually([&] { return chains_with("KUBE-SEP-") == 2; }));
  EXPECT_TRUE(eventually([&] { return proxy_->healthy(); }));
  EXPECT_EQ(kernel_.state()->held, (std::set<NodePort>{{protocol::tcp, 30080}}));
  EXPECT_EQ(kernel_.state()->syncs, 1U);
  replace_slice("web", "TCP", {"172.16.1.1", "172.16.1.2", "172.16.1.3"});
  ASSERT_TRUE(eventually([&] { return chains_with("KUBE-SEP-") == 3; }));
  ASSERT_TRUE(registry_->remove(api::kind_of("Service"), "default", "web"));
  ASSERT_TRUE(eventually([&] { return chains_with("KUBE-SVC-") == 0; }));
  EXPECT_EQ(chains_with("KUBE-SEP-"), 0U);
  EXPECT_TRUE(eventually([&] { return kernel_.state()->held.empty(); }));
  EXPECT_EQ(kernel_.state()->syncs, 1U);
}

TEST_F(ProxyTest, PutsBackWhatSomebodyRemovedAndSaysSo) {
  start({.config = {}, .resync = Millis(50)});
  ASSERT_TRUE(eventually([&] { return kernel_.state()->syncs > 1; }));
  kernel_.state()->somebody_flushed = true;
  std::string message;
  ASSERT_TRUE(eventually([&] {
    auto events = registry_->list(api::kind_of("Event"), {});
    if (!events || events->items.empty()) return false;
    message = string_or(events->items[0], "message");
    EXPECT_EQ(string_or(events->items[0], "reason"), "ServiceRulesRestored");
    EXPECT_EQ(string_or(member(events->items[0], "involvedObject"), "name"), "k8s-w1");
    return true;
  }));
  EXPECT_THAT(message, HasSubstr("put back 1 rule that somebody removed by hand: iptables -t nat"));
  EXPECT_THAT(message, HasSubstr("Not ours and left alone: rules in nat KUBE-SERVICES"));
}

TEST_F(ProxyTest, ATakenNodePortIsAnEventOnce) {
  kernel_.state()->taken = {"holding node port 30080/tcp: Address already in use"};
  create_service("web", "TCP", 30080);
  start({.config = {}, .resync = Millis(20)});
  ASSERT_TRUE(eventually([&] { return kernel_.state()->syncs > 3; }));
  std::vector<Json> events;
  ASSERT_TRUE(eventually([&] {
    auto list = registry_->list(api::kind_of("Event"), {});
    if (list) events = list->items;
    return !events.empty();
  }));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(string_or(events[0], "reason"), "NodePortTaken");
  EXPECT_EQ(string_or(events[0], "message"), kernel_.state()->taken[0]);
  EXPECT_LE(int_or(events[0], "count", 1), 1);
}

TEST_F(ProxyTest, AChangeOfAnEmptiedTableBringsEverythingBack) {
  create_service("web", "TCP", 0);
  start({});
  ASSERT_TRUE(eventually([&] { return proxy_->healthy(); }));
  kernel_.state()->somebody_flushed = true;
  create("EndpointSlice", "default", slice("web", "TCP", {"172.16.1.1"}));
  ASSERT_TRUE(eventually([&] { return chains_with("KUBE-SEP-") == 1; }));
  EXPECT_EQ(kernel_.state()->syncs, 2U);
  EXPECT_TRUE(eventually([&] {
    auto events = registry_->list(api::kind_of("Event"), {});
    return events && events->items.size() == 1;
  }));
}

TEST_F(ProxyTest, TriesAgainAfterAFailure) {
  kernel_.state()->failures_left = 2;
  start({.config = {}, .resync = Millis(30000), .retry = Millis(20)});
  ASSERT_TRUE(eventually([&] { return proxy_->healthy(); }));
  EXPECT_EQ(kernel_.state()->syncs, 3U);
}

TEST_F(ProxyTest, ForgetsUdpFlowsOfEndpointsThatAreGone) {
  create_service("dns", "UDP", 0);
  create("EndpointSlice", "default", slice("dns", "UDP", {"172.16.1.1", "172.16.1.2"}));
  start({});
  ASSERT_TRUE(eventually([&] { return chains_with("KUBE-SEP-") == 2; }));
  replace_slice("dns", "UDP", {"172.16.1.2"});
  ASSERT_TRUE(eventually([&] { return !kernel_.state()->forgotten.empty(); }));
  auto state = kernel_.state();
  ASSERT_EQ(state->forgotten.size(), 1U);
  EXPECT_EQ(state->forgotten[0].reply_source, Ipv4(172, 16, 1, 1));
  EXPECT_EQ(state->forgotten[0].original_destination_port, 80);
}

TEST_F(ProxyTest, ForgetsFlowsThatAreOlderThanTheirService) {
  create_service("old", "UDP", 0);
  create("EndpointSlice", "default", slice("old", "UDP", {"172.16.1.1"}));
  start({});
  ASSERT_TRUE(eventually([&] { return proxy_->rounds() > 0; }));
  create("EndpointSlice", "default", slice("new", "UDP", {"172.16.1.2"}));
  create_service("new", "UDP", 30053);
  ASSERT_TRUE(eventually([&] { return kernel_.state()->forgotten.size() == 2; }));
  EXPECT_EQ(kernel_.state()->forgotten[1].original_destination_port, 30053);
}

TEST(StaleFlows, OnlyUdpAndOnlyWhenSomethingWentOrBegan) {
  plan::ServicePort port;
  port.protocol = protocol::udp;
  port.cluster_ip = Ipv4(10, 96, 0, 10);
  port.port = 53;
  port.node_port = 30053;
  plan::ServicePort with = port;
  with.endpoints = {{Ipv4(172, 16, 1, 1), 53, ""}};
  EXPECT_TRUE(stale_flows(nullptr, &port).empty());
  EXPECT_EQ(stale_flows(nullptr, &with).size(), 2U);  // Asked before there was a service.
  EXPECT_TRUE(stale_flows(&with, &with).empty());
  EXPECT_EQ(stale_flows(&port, &with).size(), 2U);  // Began: cluster IP and node port.
  EXPECT_EQ(stale_flows(&with, nullptr).size(), 2U);
  ASSERT_EQ(stale_flows(&with, &port).size(), 2U);
  EXPECT_EQ(stale_flows(&with, &port)[1].original_destination_port, 30053);
  EXPECT_EQ(stale_flows(&with, &port)[1].reply_source, Ipv4(172, 16, 1, 1));
  with.protocol = protocol::tcp;
  EXPECT_TRUE(stale_flows(&with, nullptr).empty());
}

}  // namespace
}  // namespace hoplab::reconcile
