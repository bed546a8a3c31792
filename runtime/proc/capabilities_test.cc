#include "runtime/proc/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

namespace hoplab::proc {
namespace {

CapabilitySet bit(unsigned number) {
  return CapabilitySet{1} << number;
}

TEST(Capabilities, DefaultSetIsDockers) {
  EXPECT_EQ(default_capabilities(), 0xa80425fbULL);  // CapEff in any Docker container
}

TEST(Capabilities, NamesAreReadInEveryForm) {
  EXPECT_EQ(*parse_capability("NET_ADMIN"), bit(CAP_NET_ADMIN));
  EXPECT_EQ(*parse_capability("cap_net_admin"), bit(CAP_NET_ADMIN));
  EXPECT_EQ(*parse_capability("CHECKPOINT_RESTORE"), bit(CAP_CHECKPOINT_RESTORE));
  EXPECT_EQ(*parse_capability("ALL"), all_capabilities());
  EXPECT_FALSE(parse_capability("FLY"));
  EXPECT_FALSE(parse_capability(""));
  EXPECT_EQ(capability_name(CAP_SYS_ADMIN), "SYS_ADMIN");
}

TEST(Capabilities, AddAndDrop) {
  EXPECT_EQ(*container_capabilities(false, {}, {}), default_capabilities());
  EXPECT_EQ(*container_capabilities(false, {"NET_ADMIN"}, {"NET_RAW"}),
            (default_capabilities() | bit(CAP_NET_ADMIN)) & ~bit(CAP_NET_RAW));
  EXPECT_EQ(*container_capabilities(false, {"NET_BIND_SERVICE"}, {"ALL"}),
            bit(CAP_NET_BIND_SERVICE));
  EXPECT_EQ(*container_capabilities(false, {"ALL"}, {"SYS_ADMIN"}),
            all_capabilities() & ~bit(CAP_SYS_ADMIN));
  EXPECT_EQ(*container_capabilities(true, {}, {}), all_capabilities());
  auto wrong = container_capabilities(false, {"FLY"}, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(),
            "securityContext.capabilities.add: \"FLY\" is no Linux capability; see "
            "capabilities(7)");
}

}  // namespace
}  // namespace hoplab::proc
