#include "runtime/netlink/ipset.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

const Prefix pool{Ipv4(172, 16, 0, 0), 16}, second{Ipv4(10, 64, 0, 0), 12};

class IpSets : public test::SandboxNetns {
 protected:
  void SetUp() override {
    SandboxNetns::SetUp();
    if (IsSkipped()) return;
    auto opened = NetlinkSocket::open(NetlinkSocket::Family::netfilter);
    ASSERT_TRUE(opened) << opened.error().message();
    socket_.push_back(std::move(*opened));
    if (auto probe = dump_ipsets(socket()); !probe) {
      GTEST_SKIP() << "no ipset in this kernel: " << probe.error().message();
    }
  }

  NetlinkSocket& socket() { return socket_.front(); }

  std::vector<IpSet> sets() {
    auto listed = dump_ipsets(socket());
    EXPECT_TRUE(listed) << listed.error().message();
    return listed ? *listed : std::vector<IpSet>{};
  }

  void must(const std::vector<IpSetOperation>& operations) {
    auto status = apply_ipset_operations(socket(), operations).status();
    ASSERT_TRUE(status) << status.error().message();
  }

 private:
  std::vector<NetlinkSocket> socket_;
};

TEST_F(IpSets, BecomeWhatIsDesired) {
  IpSet set{.name = "cali40masq-ipam-pools", .members = {pool}};
  must(diff(set, std::nullopt, "", ""));
  ASSERT_EQ(sets().size(), 1U);
  EXPECT_EQ(sets()[0].name, set.name);
  EXPECT_EQ(sets()[0].type, IpSetType::hash_net);
  EXPECT_EQ(sets()[0].max_elements, 1048576U);
  EXPECT_THAT(sets()[0].members, UnorderedElementsAre(pool));
  set.members = {second, Prefix::host(Ipv4(1, 2, 3, 4))};
  must(diff(set, sets()[0], "", ""));
  EXPECT_THAT(sets()[0].members, UnorderedElementsAreArray(set.members));
  EXPECT_TRUE(diff(set, sets()[0], "", "").empty());
  must({{.kind = IpSetOperation::Kind::destroy, .set = set.name}});
  EXPECT_TRUE(sets().empty());
}

TEST_F(IpSets, ListAcrossManyMessages) {
  IpSet set{.name = "many", .type = IpSetType::hash_ip};
  for (uint32_t i = 0; i < 5000; ++i) set.members.push_back(Prefix::host(Ipv4(10, 0, 0, 1) + i));
  must(diff(set, std::nullopt, "", ""));
  must(diff({.name = "other", .members = {pool}}, std::nullopt, "", ""));
  const auto listed = sets();
  ASSERT_EQ(listed.size(), 2U);
  IpSet many = listed[0].name == "many" ? listed[0] : listed[1];
  std::sort(many.members.begin(), many.members.end());
  EXPECT_EQ(many.members, set.members);
}

TEST_F(IpSets, RefusalsNameTheCommand) {
  must(diff({.name = "s", .members = {pool}}, std::nullopt, "", ""));
  const auto message = [this](IpSetOperation operation) {
    const std::vector<IpSetOperation> one{std::move(operation)};
    auto status = apply_ipset_operations(socket(), one).status();
    return status ? "done" : status.error().message();
  };
  using Kind = IpSetOperation::Kind;
  EXPECT_EQ(message({.kind = Kind::add, .set = "none", .member = pool}),
            "ipset add none 172.16.0.0/16: No such file or directory (ENOENT)");
  EXPECT_EQ(message({.kind = Kind::create,
                     .netns = "w1",
                     .set = "s",
                     .type = IpSetType::hash_ip,
                     .max_elements = 10}),
            "ip netns exec w1 ipset create s hash:ip family inet maxelem 10: a set of that name "
            "has another type or size: File exists (EEXIST)");
  EXPECT_EQ(message({.kind = Kind::add, .set = "s", .member = {Ipv4(), 0}}),
            "ipset add s 0.0.0.0/0: the prefix length does not suit the set's type");
  // Again is no error.
  EXPECT_EQ(message({.kind = Kind::add, .set = "s", .member = pool}), "done");
  EXPECT_EQ(message({.kind = Kind::remove, .set = "s", .member = second}), "done");
}

}  // namespace
}  // namespace hoplab
