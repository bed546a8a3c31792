#include "runtime/reconcile/garbage_controller.h"

#include <gtest/gtest.h>

#include "runtime/reconcile/control_plane_fixture.h"

namespace hoplab::reconcile {
namespace {

TEST(Garbage, GoesOnlyWhenNoOwnerIsLeft) {
  const Owner gone{.api_version = "v1", .kind = "X", .name = "gone", .uid = "1"};
  const Owner here{.api_version = "v1", .kind = "X", .name = "here", .uid = "2"};
  const Owner going{.api_version = "v1", .kind = "X", .name = "going", .uid = "3", .blocks = true};
  const auto judge = [](const std::vector<Owner>& owners) {
    return judge_dependent(owners, [](const Owner& owner) {
      return owner.name == "gone"   ? OwnerState::absent
             : owner.name == "here" ? OwnerState::present
                                    : OwnerState::going_foreground;
    });
  };
  EXPECT_FALSE(judge({}).remove);
  EXPECT_TRUE(judge({gone}).remove);
  EXPECT_FALSE(judge({gone, here}).remove);
  EXPECT_EQ(judge({gone, here}).forget, std::vector<std::string>{"1"});
  EXPECT_TRUE(judge({going}).remove);
  EXPECT_TRUE(judge({going}).foreground);
}

TEST(Garbage, ReferencesThatSomebodyElseRemovedMeanwhileAreNoMatter) {
  RegistryFixture cluster;
  GarbageController garbage(*cluster);
  std::vector<std::string> keys;
  const Json owner = cluster.make("ConfigMap", "default", config_map_json("owner", "1"));
  Json wanted = config_map_json("dependent", "1");
  wanted["metadata"]["ownerReferences"] = Json::array({controller_reference(owner)});
  Json dependent = cluster.make("ConfigMap", "default", wanted);
  garbage.wake({.kind = "ConfigMap", .before = nullptr, .now = &dependent}, keys);
  // The feed has not told of this yet.
  dependent["metadata"].erase("ownerReferences");
  const api::Kind& kind = api::kind_of("ConfigMap");
  ASSERT_TRUE(cluster->update(kind, "default", "dependent", dependent).ok());
  const DeleteOptions orphan{
      .grace_seconds = {}, .propagation = Propagation::orphan, .precondition_uid = {}};
  ASSERT_TRUE(cluster->remove(kind, "default", "owner", orphan).ok());
  const auto done = garbage.reconcile(store_key(kind, "default", "owner"));
  ASSERT_TRUE(done.ok()) << done.error().message();
  EXPECT_EQ(cluster->find(kind, "default", "owner"), nullptr);
  EXPECT_NE(cluster->find(kind, "default", "dependent"), nullptr);
}

}  // namespace
}  // namespace hoplab::reconcile
