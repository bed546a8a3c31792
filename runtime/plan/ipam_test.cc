#include "runtime/plan/ipam.h"

#include <gmock/gmock.h>

#include "runtime/base/text.h"
#include "runtime/plan/ipam_objects.h"

namespace hoplab::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Prefix cidr(std::string_view text) {
  return Prefix::parse(text).value();
}
Ipv4 ip(std::string_view text) {
  return Ipv4::parse(text).value();
}

AddressPool default_pool() {
  return {"default-ipv4-ippool", cidr("172.16.0.0/16"), 24, false};
}

TEST(Ipam, AFreshBlockGivesItsFirstAddressFirst) {
  AddressBlock block = make_block(cidr("172.16.158.0/24"), "k8s-w1");
  const std::vector<AddressRequest> requests{{"ipip-tunnel-addr-k8s-w1", {}}, {"a", {}}};
  EXPECT_THAT(assign(block, requests),
              ElementsAre(Assignment{"ipip-tunnel-addr-k8s-w1", ip("172.16.158.0"), block.cidr},
                          Assignment{"a", ip("172.16.158.1"), block.cidr}));
  EXPECT_THAT(addresses_of(block, "a"), ElementsAre(ip("172.16.158.1")));
  ASSERT_NE(attribute_of(block, ip("172.16.158.1")), nullptr);
  EXPECT_EQ(attribute_of(block, ip("172.16.158.2")), nullptr);
  EXPECT_EQ(attribute_of(block, ip("172.16.159.1")), nullptr);
}

TEST(Ipam, AReleasedAddressIsReusedLast) {
  AddressBlock block = make_block(cidr("10.0.0.0/30"), "n");
  const std::vector<AddressRequest> two{{"a", {}}, {"b", {}}};
  ASSERT_EQ(assign(block, two).size(), 2U);
  EXPECT_THAT(release(block, {"a"}), ElementsAre(Assignment{"a", ip("10.0.0.0"), block.cidr}));
  EXPECT_EQ(block.attributes.size(), 1U);
  EXPECT_THAT(addresses_of(block, "b"), ElementsAre(ip("10.0.0.1")));
  const std::vector<AddressRequest> four{{"c", {}}, {"d", {}}, {"e", {}}, {"f", {}}};
  EXPECT_THAT(assign(block, four), ElementsAre(Assignment{"c", ip("10.0.0.2"), block.cidr},
                                               Assignment{"d", ip("10.0.0.3"), block.cidr},
                                               Assignment{"e", ip("10.0.0.0"), block.cidr}));
  EXPECT_THAT(block.unallocated, IsEmpty());
  EXPECT_THAT(release(block, {"nobody"}), IsEmpty());
}

TEST(Ipam, ReservedAddressesArePassedOverAndStayFree) {
  AddressBlock block = make_block(cidr("10.0.0.0/29"), "n");
  const std::vector<Prefix> reserved{cidr("10.0.0.0/31")};
  const std::vector<AddressRequest> one{{"a", {}}};
  EXPECT_THAT(assign(block, one, reserved),
              ElementsAre(Assignment{"a", ip("10.0.0.2"), block.cidr}));
  EXPECT_THAT(block.unallocated, ElementsAre(0, 1, 3, 4, 5, 6, 7));
}

TEST(Ipam, TheFirstBlockIsPinnedOrHashedThenLinear) {
  const AddressPool pool = default_pool();
  EXPECT_THAT(block_order(pool, "k8s-w1", cidr("172.16.255.0/24"), 2),
              ElementsAre(cidr("172.16.255.0/24"), cidr("172.16.0.0/24")));
  const auto hashed = block_order(pool, "worker", std::nullopt);
  EXPECT_EQ(hashed.size(), 256U);
  EXPECT_EQ(hashed, block_order(pool, "worker", std::nullopt));
  EXPECT_NE(hashed[0], block_order(pool, "worker2", std::nullopt)[0]);
  EXPECT_EQ(hashed[1].network().value(), cidr("172.16.0.0/16").network().value() +
                                             ((hashed[0].network().value() + 256) & 0xffffU));
  // A pin outside the pool is no pin.
  EXPECT_EQ(block_order(pool, "worker", cidr("10.0.0.0/24"))[0], hashed[0]);
}

TEST(Ipam, ChoosesTheNextFreeBlockAndLeavesPinnedOnesToTheirOwners) {
  const std::vector<AddressPool> pools{{"p", cidr("10.0.0.0/24"), 26, false}};
  const std::vector<Prefix> taken{cidr("10.0.0.0/26")};
  const std::vector<Prefix> pinned{cidr("10.0.0.64/26")};
  EXPECT_EQ(choose_block(pools, "n", cidr("10.0.0.0/26"), taken), cidr("10.0.0.64/26"));
  EXPECT_EQ(choose_block(pools, "n", cidr("10.0.0.0/26"), taken, pinned), cidr("10.0.0.128/26"));
  const std::vector<Prefix> nearly{cidr("10.0.0.0/26"), cidr("10.0.0.128/25")};
  EXPECT_EQ(choose_block(pools, "n", cidr("10.0.0.0/26"), nearly, pinned), cidr("10.0.0.64/26"));
  const std::vector<Prefix> all{cidr("10.0.0.0/16")};
  EXPECT_EQ(choose_block(pools, "n", std::nullopt, all), std::nullopt);
  const std::vector<AddressPool> disabled{{"p", cidr("10.0.0.0/24"), 26, true}};
  EXPECT_EQ(choose_block(disabled, "n", std::nullopt, {}), std::nullopt);
}

TEST(Ipam, ObjectsKeepEverythingThereAndBack) {
  AddressBlock block = make_block(cidr("10.0.0.4/30"), "k8s-w1");
  const std::vector<AddressRequest> requests{{"h", {{"pod", "web"}, {"namespace", "default"}}}};
  ASSERT_EQ(assign(block, requests).size(), 1U);
  const Json object = to_json(block, {{"resourceVersion", "7"}});
  EXPECT_EQ(dump_json(object),
            R"({"apiVersion":"crd.projectcalico.org/v1","kind":"IPAMBlock",)"
            R"("metadata":{"name":"10-0-0-4-30","resourceVersion":"7"},)"
            R"("spec":{"affinity":"host:k8s-w1","allocations":[0,null,null,null],)"
            R"("attributes":[{"handle_id":"h","secondary":{"namespace":"default","pod":"web"}}],)"
            R"("cidr":"10.0.0.4/30","deleted":false,"strictAffinity":false,)"
            R"("unallocated":[1,2,3]}})");
  EXPECT_EQ(block_from_json(object).value(), block);

  const BlockAffinity affinity{"k8s-w1", block.cidr, AffinityState::pending};
  EXPECT_EQ(to_json(affinity)["metadata"]["name"], "k8s-w1-10-0-0-4-30");
  EXPECT_EQ(affinity_from_json(to_json(affinity)).value(), affinity);
  const AddressHandle handle{"k8s-pod-network.ABC", {{block.cidr, 1}}};
  EXPECT_EQ(to_json(handle)["metadata"]["name"], "k8s-pod-network.abc");
  EXPECT_EQ(handle_from_json(to_json(handle)).value(), handle);
}

struct BadBlock {
  std::string pointer;
  Json value;
  std::string message;
};

TEST(Ipam, RefusesBlocksThatCouldGiveAnAddressTwice) {
  AddressBlock block = make_block(cidr("10.0.0.0/30"), "n");
  const std::vector<AddressRequest> requests{{"h", {}}};
  ASSERT_EQ(assign(block, requests).size(), 1U);
  const Json good = to_json(block);
  for (const BadBlock& bad : std::vector<BadBlock>{
           {"/spec/cidr", "10.0.0.0/8", "spec.cidr: blocks are /20 to /32"},
           {"/spec/cidr", "nonsense", "spec.cidr"},
           {"/spec/allocations", Json::array({0}), "spec.allocations: must have 4 entries"},
           {"/spec/allocations/1", 1, "spec.allocations[1]: is no index into attributes"},
           {"/spec/allocations/1", "x", "spec.allocations[1]"},
           {"/spec/unallocated/0", 0, "spec.unallocated[0]: is listed twice or allocated"},
           {"/spec/unallocated/0", 2, "spec.unallocated[1]: is listed twice or allocated"},
           {"/spec/unallocated/0", 4, "spec.unallocated[0]: is no address of the block"},
           {"/spec/unallocated/0", -1, "spec.unallocated[0]: is no address of the block"},
       }) {
    Json object = good;
    object[Json::json_pointer(bad.pointer)] = bad.value;
    auto read = block_from_json(object);
    ASSERT_FALSE(read.ok()) << bad.pointer;
    EXPECT_EQ(read.error().code(), ErrorCode::invalid);
    EXPECT_THAT(read.error().message(), HasSubstr(bad.message));
  }
  Json lost = good;
  lost["spec"]["unallocated"] = Json::array({3});
  EXPECT_THAT(block_from_json(lost).value().unallocated, ElementsAre(3, 1, 2));
}

TEST(Ipam, ReadsAPool) {
  const Json object = {{"kind", "IPPool"},
                       {"metadata", {{"name", "p"}}},
                       {"spec", {{"cidr", "172.16.0.0/16"}, {"blockSize", 24}}}};
  EXPECT_EQ(pool_from_json(object).value(), (AddressPool{"p", cidr("172.16.0.0/16"), 24, false}));
  Json wrong = object;
  wrong["spec"]["blockSize"] = 12;
  EXPECT_THAT(pool_from_json(wrong).error().message(), HasSubstr("spec.blockSize"));
}

}  // namespace
}  // namespace hoplab::plan
