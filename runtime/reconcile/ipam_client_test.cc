#include "runtime/reconcile/ipam_client.h"

#include <gmock/gmock.h>

#include <thread>

#include "runtime/base/test_dir.h"
#include "runtime/base/text.h"
#include "store/registry.h"

namespace hoplab::reconcile {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

/// The real registry, with every write counted, and at wish a crash before the nth one.
class CountingSource final : public Source {
 public:
  explicit CountingSource(Source& real) : real_(real) {}
  Result<Json> get(const api::Kind& kind, const std::string& ns, const std::string& name) override {
    return real_.get(kind, ns, name);
  }
  Result<ObjectList> list(const api::Kind& kind, const Selection& selection) override {
    return real_.list(kind, selection);
  }
  Result<std::unique_ptr<Watch>> watch(const api::Kind& kind, const Selection& selection,
                                       int64_t revision) override {
    return real_.watch(kind, selection, revision);
  }
  Result<Json> create(const api::Kind& kind, const std::string& ns, Json object,
                      const WriteOptions& options) override {
    HOP_CHECK(count(kind));
    return real_.create(kind, ns, std::move(object), options);
  }
  Result<Json> update(const api::Kind& kind, const std::string& ns, const std::string& name,
                      Json object, Subresource subresource, const WriteOptions& options) override {
    HOP_CHECK(count(kind));
    return real_.update(kind, ns, name, std::move(object), subresource, options);
  }
  Result<Json> patch(const api::Kind& kind, const std::string& ns, const std::string& name,
                     PatchType type, const Json& patch, Subresource subresource,
                     const WriteOptions& options) override {
    return real_.patch(kind, ns, name, type, patch, subresource, options);
  }
  Result<Deletion> remove(const api::Kind& kind, const std::string& ns, const std::string& name,
                          const DeleteOptions& options) override {
    HOP_CHECK(count(kind));
    return real_.remove(kind, ns, name, options);
  }

  std::map<std::string, int> writes;
  int crash_before = -1;

 private:
  Result<void> count(const api::Kind& kind) {
    if (crash_before == 0) return Error(ErrorCode::unavailable, "crashed");
    if (crash_before > 0) --crash_before;
    ++writes[std::string(kind.kind)];
    return {};
  }
  Source& real_;
};

class IpamClientTest : public testing::Test {
 protected:
  IpamClientTest() {
    store_ = ObjectStore::open(dir_.file("store.db"), {}).value();
    registry_ = Registry::open(*store_, clock_, {}).value();
    source_ = std::make_unique<CountingSource>(*registry_);
    pool("172.16.0.0/16", 24);
  }

  void pool(const std::string& cidr, int block_size) {
    const auto& kind = api::kind_of("IPPool");
    if (registry_->get(kind, "", "default").ok()) {
      ASSERT_TRUE(registry_->remove(kind, "", "default"));
    }
    auto made = registry_->create(kind, "",
                                  {{"apiVersion", "crd.projectcalico.org/v1"},
                                   {"kind", "IPPool"},
                                   {"metadata", {{"name", "default"}}},
                                   {"spec", {{"cidr", cidr}, {"blockSize", block_size}}}});
    ASSERT_TRUE(made) << made.error().message();
  }

  void node(const std::string& name, const std::string& first_block) {
    auto made = registry_->create(
        api::kind_of("Node"), "",
        {{"apiVersion", "v1"},
         {"kind", "Node"},
         {"metadata",
          {{"name", name},
           {"annotations", {{std::string(plan::first_block_annotation), first_block}}}}}});
    ASSERT_TRUE(made) << made.error().message();
  }

  IpamClient client(const std::string& node_name, plan::IpamSettings settings = {}) {
    return IpamClient(*source_, clock_, node_name, Log("ipam"), settings);
  }

  static std::vector<plan::AddressRequest> requests(int count, const std::string& prefix = "pod") {
    std::vector<plan::AddressRequest> out;
    for (int i = 0; i < count; ++i) {
      out.push_back({plan::pod_handle(str(prefix, i)), {{"pod", str(prefix, i)}}});
    }
    return out;
  }

  size_t count(const char* kind) {
    return registry_->list(api::kind_of(kind), {}).value().items.size();
  }
  plan::AddressBlock block(const std::string& name) {
    return plan::block_from_json(registry_->get(api::kind_of("IPAMBlock"), "", name).value())
        .value();
  }

  TestDir dir_;
  FakeClock clock_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<CountingSource> source_;
};

TEST_F(IpamClientTest, TheTunnelGetsTheFirstAddressOfThePinnedBlock) {
  node("k8s-w1", "172.16.158.0/24");
  IpamClient w1 = client("k8s-w1");
  EXPECT_EQ(w1.tunnel_address().value(), Ipv4(172, 16, 158, 0));
  EXPECT_EQ(w1.tunnel_address().value(), Ipv4(172, 16, 158, 0)) << "asked again";
  const auto pods = w1.assign(requests(2)).value();
  EXPECT_EQ(pods[0].ip, Ipv4(172, 16, 158, 1));
  EXPECT_EQ(pods[1].ip, Ipv4(172, 16, 158, 2));
  const auto affinity =
      registry_->get(api::kind_of("BlockAffinity"), "", "k8s-w1-172-16-158-0-24").value();
  EXPECT_EQ(affinity["spec"]["state"], "confirmed");
  const auto stored = block("172-16-158-0-24");
  const auto* attribute = plan::attribute_of(stored, Ipv4(172, 16, 158, 1));
  ASSERT_NE(attribute, nullptr);
  EXPECT_EQ(attribute->notes.at("node"), "k8s-w1");
  EXPECT_EQ(attribute->notes.at("pod"), "pod0");
  EXPECT_FALSE(attribute->notes.at("timestamp").empty());
}

TEST_F(IpamClientTest, AHundredPodsAreOneWriteOfTheBlock) {
  IpamClient w1 = client("w1");
  ASSERT_TRUE(w1.tunnel_address());
  source_->writes.clear();
  EXPECT_THAT(w1.assign(requests(100)).value(), SizeIs(100));
  EXPECT_EQ(source_->writes["IPAMBlock"], 1);
  EXPECT_EQ(source_->writes["IPAMHandle"], 100);
  source_->writes.clear();
  std::set<std::string> handles;
  for (const auto& request : requests(100)) handles.insert(request.handle);
  ASSERT_TRUE(w1.release(handles));
  EXPECT_EQ(source_->writes["IPAMBlock"], 1);
  EXPECT_EQ(count("IPAMHandle"), 1U) << "the tunnel's";
}

TEST_F(IpamClientTest, ARestartedAgentGetsTheSameAddresses) {
  IpamClient first = client("w1");
  const auto before = first.assign(requests(3)).value();
  IpamClient second = client("w1");
  EXPECT_EQ(second.assign(requests(3)).value(), before);
  ASSERT_TRUE(second.release({before[1].handle}));
  // The first one does not know: its compare-and-set fails and it looks again.
  const auto more = first.assign(requests(1, "other")).value();
  EXPECT_EQ(more[0].ip, before[2].ip + 1);
}

/// Whatever write is the last one before a crash: the next start finds its way.
TEST_F(IpamClientTest, ACrashAtAnyWriteLeaksAndDoublesNothing) {
  for (int at = 0; at < 8; ++at) {
    const std::string name = str("node", at);
    source_->crash_before = at;
    IpamClient crashing = client(name);
    auto tried = crashing.assign(requests(3, name));
    source_->crash_before = -1;
    EXPECT_EQ(tried.ok(), at >= 7) << at;
    IpamClient next = client(name);
    const auto got = next.assign(requests(3, name));
    ASSERT_TRUE(got) << got.error().message();
    std::set<std::string> handles;
    for (const auto& one : *got) handles.insert(one.handle);
    // And a crash in the middle of giving back.
    source_->crash_before = at % 4;
    auto freed = next.release(handles);
    source_->crash_before = -1;
    EXPECT_FALSE(freed);
    ASSERT_TRUE(client(name).release(handles));
  }
  const ObjectList blocks = registry_->list(api::kind_of("IPAMBlock"), {}).value();
  for (const Json& item : blocks.items) {
    EXPECT_TRUE(plan::allocations_of(plan::block_from_json(item).value()).empty());
  }
  EXPECT_EQ(count("IPAMHandle"), 0U);
  EXPECT_EQ(count("IPAMBlock"), 8U);
  EXPECT_EQ(count("BlockAffinity"), 8U);
}

/// An agent that is killed after it took an address and before it made the sandbox.
TEST_F(IpamClientTest, AddressesThatNoSandboxHasAreReleased) {
  IpamClient killed = client("w1");
  ASSERT_TRUE(killed.tunnel_address());
  ASSERT_TRUE(killed.assign(requests(2)));
  IpamClient other = client("w2");
  ASSERT_TRUE(other.assign(requests(1, "other")));
  IpamClient next = client("w1");
  ASSERT_TRUE(next.release_all_but({plan::pod_handle("pod1")}));
  std::set<std::string> left;
  const ObjectList stored = registry_->list(api::kind_of("IPAMHandle"), {}).value();
  for (const Json& item : stored.items) {
    left.insert(plan::handle_from_json(item).value().id);
  }
  EXPECT_EQ(left, (std::set<std::string>{plan::tunnel_handle("w1"), plan::pod_handle("pod1"),
                                         plan::pod_handle("other0")}));
  size_t allocated = 0;
  const ObjectList blocks = registry_->list(api::kind_of("IPAMBlock"), {}).value();
  for (const Json& item : blocks.items) {
    allocated += plan::allocations_of(plan::block_from_json(item).value()).size();
  }
  EXPECT_EQ(allocated, 3U);
}

TEST_F(IpamClientTest, ClaimsASecondBlockWhenTheFirstIsFull) {
  pool("10.0.0.0/24", 30);
  IpamClient w1 = client("w1");
  EXPECT_THAT(w1.assign(requests(9)).value(), SizeIs(9));
  EXPECT_EQ(count("IPAMBlock"), 3U);
}

TEST_F(IpamClientTest, BorrowsWhenNoBlockIsFreeUnlessStrict) {
  pool("10.0.0.0/30", 31);
  IpamClient w1 = client("w1");
  IpamClient w2 = client("w2");
  ASSERT_TRUE(w1.assign(requests(1, "a")));
  ASSERT_TRUE(w2.assign(requests(1, "b")));
  const auto strict = client("w3", {.strict_affinity = true}).assign(requests(1, "c"));
  ASSERT_FALSE(strict);
  EXPECT_THAT(strict.error().message(), HasSubstr("every block of the pools is full"));
  IpamClient w3 = client("w3");
  const auto borrowed = w3.assign(requests(2, "c"));
  ASSERT_TRUE(borrowed) << borrowed.error().message();
  EXPECT_NE((*borrowed)[0].ip, (*borrowed)[1].ip);
  EXPECT_EQ(count("IPAMBlock"), 2U);
  EXPECT_EQ(client("w4").assign(requests(1, "d")).error().code(), ErrorCode::unavailable);
  // A fresh client of the borrower finds them through the handles.
  EXPECT_EQ(client("w3").assign(requests(2, "c")).value(), *borrowed);
  ASSERT_TRUE(client("w3").release({(*borrowed)[0].handle}));
  EXPECT_TRUE(client("w4").assign(requests(1, "d")));
}

TEST_F(IpamClientTest, TheBlockLimitIsAnErrorAndTheFirstOnesAreServed) {
  pool("10.0.0.0/24", 32);
  IpamClient w1 = client("w1", {.max_blocks_per_node = 2});
  const auto served = w1.assign(requests(3));
  ASSERT_TRUE(served) << served.error().message();
  ASSERT_THAT(*served, SizeIs(2));
  EXPECT_EQ((*served)[1].handle, requests(3)[1].handle);
  const auto refused = w1.assign(requests(1, "late"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("limit of 2 blocks reached for this node"));
}

TEST_F(IpamClientTest, ADisabledPoolGivesNoMoreAddresses) {
  IpamClient w1 = client("w1");
  const auto before = w1.assign(requests(1)).value();
  const auto& kind = api::kind_of("IPPool");
  ASSERT_TRUE(
      registry_->patch(kind, "", "default", PatchType::merge, {{"spec", {{"disabled", true}}}}));
  EXPECT_THAT(w1.assign(requests(1, "more")).error().message(), HasSubstr("no enabled IPPool"));
  EXPECT_EQ(w1.assign(requests(1)).value(), before) << "what it has, it keeps";
  auto second = registry_->create(kind, "",
                                  {{"apiVersion", "crd.projectcalico.org/v1"},
                                   {"kind", "IPPool"},
                                   {"metadata", {{"name", "second"}}},
                                   {"spec", {{"cidr", "10.1.0.0/24"}, {"blockSize", 26}}}});
  ASSERT_TRUE(second) << second.error().message();
  const auto more = w1.assign(requests(1, "more")).value();
  EXPECT_TRUE(Prefix(Ipv4(10, 1, 0, 0), 24).contains(more[0].ip)) << to_string(more[0].ip);
}

/// With the block the memory of its addresses is gone: pods may still have them.
TEST_F(IpamClientTest, ADeletedBlockIsNeverUsedAgain) {
  IpamClient w1 = client("w1");
  const auto before = w1.assign(requests(1)).value();
  ASSERT_TRUE(
      registry_->remove(api::kind_of("IPAMBlock"), "", plan::block_object_name(before[0].block)));
  const auto after = w1.assign(requests(1, "after"));
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_NE((*after)[0].block, before[0].block);
  const auto restarted = client("w1").assign(requests(1, "restarted"));
  ASSERT_TRUE(restarted) << restarted.error().message();
  EXPECT_EQ((*restarted)[0].block, (*after)[0].block);
}

TEST_F(IpamClientTest, WithoutAPoolTheErrorSaysSo) {
  ASSERT_TRUE(registry_->remove(api::kind_of("IPPool"), "", "default"));
  EXPECT_THAT(client("w1").tunnel_address().error().message(), HasSubstr("no enabled IPPool"));
}

TEST_F(IpamClientTest, ManyNodesAtOnceGetDifferentBlocksAndAddresses) {
  pool("10.0.0.0/24", 29);
  std::vector<std::thread> threads;
  std::vector<std::vector<plan::Assignment>> got(8);
  for (size_t i = 0; i < got.size(); ++i) {
    threads.emplace_back([&, i] {
      IpamClient one(*registry_, clock_, str("n", i), Log("ipam"));
      for (int round = 0; round < 5; ++round) {
        auto assigned = one.assign(requests(4, str("n", i, "r", round, "-")));
        ASSERT_TRUE(assigned) << assigned.error().message();
        got[i].insert(got[i].end(), assigned->begin(), assigned->end());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<Ipv4> all;
  for (const auto& one : got) {
    for (const auto& assignment : one) all.insert(assignment.ip);
  }
  EXPECT_EQ(all.size(), 8U * 20U);
}

TEST_F(IpamClientTest, ARemovedNodeLeavesOnlyWhatIsInUse) {
  pool("10.0.0.0/24", 31);
  IpamClient w1 = client("w1");
  ASSERT_TRUE(w1.tunnel_address());
  const auto pods = w1.assign(requests(3)).value();
  ASSERT_TRUE(w1.release({pods[1].handle, pods[2].handle}));
  ASSERT_EQ(count("IPAMBlock"), 2U);
  ASSERT_TRUE(release_node(*source_, "w1"));
  ASSERT_TRUE(release_node(*source_, "w1")) << "twice";
  EXPECT_EQ(count("BlockAffinity"), 0U);
  ASSERT_EQ(count("IPAMBlock"), 1U);
  EXPECT_EQ(block(plan::block_object_name(pods[0].block)).node, "");
  // The last address takes the ownerless block along, and another node may have it then.
  ASSERT_TRUE(client("w2").release({pods[0].handle}));
  EXPECT_EQ(count("IPAMBlock"), 0U);
}

TEST_F(IpamClientTest, ABlockWhoseDeletionACrashInterruptedIsClaimed) {
  node("w1", "172.16.5.0/24");
  plan::AddressBlock doomed = plan::make_block(Prefix(Ipv4(172, 16, 5, 0), 24), "");
  doomed.deleted = true;
  ASSERT_TRUE(registry_->create(api::kind_of("IPAMBlock"), "", plan::to_json(doomed)));
  EXPECT_EQ(client("w1").tunnel_address().value(), Ipv4(172, 16, 5, 0));
  EXPECT_FALSE(block("172-16-5-0-24").deleted);
}

}  // namespace
}  // namespace hoplab::reconcile
