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

}  // namespace
}  // namespace hoplab::reconcile
