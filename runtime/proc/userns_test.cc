#include "runtime/proc/userns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace hoplab::proc {
namespace {

using ::testing::HasSubstr;

std::string explain(const UserNsFacts& facts, int sys_errno) {
  return explain_userns_failure(facts, sys_errno).value_or("");
}

TEST(UserNsGates, EachIsNamedWithItsRepair) {
  EXPECT_THAT(explain({.max_user_namespaces = 0}, ENOSPC),
              HasSubstr("sudo sysctl -w user.max_user_namespaces=15000"));
  EXPECT_THAT(explain({.max_net_namespaces = 0}, ENOSPC),
              HasSubstr("sudo sysctl -w user.max_net_namespaces=15000"));
  EXPECT_THAT(explain({.unprivileged_userns_clone = 0}, EPERM),
              HasSubstr("sudo sysctl -w kernel.unprivileged_userns_clone=1"));
  EXPECT_THAT(explain({.apparmor_restrict = 1}, EPERM),
              HasSubstr("kernel.apparmor_restrict_unprivileged_userns=0"));
  EXPECT_THAT(explain({.seccomp_filter = true}, EPERM), HasSubstr("docker run --privileged"));
  EXPECT_THAT(explain({}, EINVAL), HasSubstr("CONFIG_USER_NS"));
}

TEST(UserNsGates, OpenGatesExplainNothing) {
  UserNsFacts open{.max_user_namespaces = 1000,
                   .max_net_namespaces = 1000,
                   .unprivileged_userns_clone = 1,
                   .apparmor_restrict = 0};
  EXPECT_EQ(explain(open, EPERM), "");
  EXPECT_EQ(explain(open, ENOMEM), "");
}

TEST(SubordinateIds, AreFoundByNameOrNumber) {
  const char* file = "root:1:2\n# comment\nann:100000:65536\n1002:200000:10\nbad:x:1\nbad:5:0\n";
  auto ann = find_subordinate_ids(file, "ann", 1001);
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->first, 100000U);
  EXPECT_EQ(ann->count, 65536U);
  EXPECT_EQ(find_subordinate_ids(file, "bob", 1002)->first, 200000U);
  EXPECT_FALSE(find_subordinate_ids(file, "bad", 7));
  EXPECT_FALSE(find_subordinate_ids("", "ann", 1001));
}

}  // namespace
}  // namespace hoplab::proc
