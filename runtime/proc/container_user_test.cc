#include "runtime/proc/container_user.h"

#include <gtest/gtest.h>

namespace hoplab::proc {
namespace {

constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken:x:nothing\n"
    "nginx:x:101:102:nginx:/var/cache/nginx:/bin/false\n";
constexpr std::string_view group = "root:x:0:\nwww:x:33:nginx,other\nadm:x:4:nginx\nbad\n";

TEST(ContainerUser, ReadsNamesAndNumbers) {
  EXPECT_EQ(*resolve_user("", passwd, group), (ContainerUser{0, 0, {}, "/root"}));
  EXPECT_EQ(*resolve_user("nginx", passwd, group),
            (ContainerUser{101, 102, {33, 4}, "/var/cache/nginx"}));
  EXPECT_EQ(*resolve_user("101", passwd, group),
            (ContainerUser{101, 102, {33, 4}, "/var/cache/nginx"}));
  EXPECT_EQ(*resolve_user("nginx:www", passwd, group),
            (ContainerUser{101, 33, {}, "/var/cache/nginx"}));
  EXPECT_EQ(*resolve_user("5000:7", passwd, group), (ContainerUser{5000, 7, {}, "/"}));
  EXPECT_EQ(*resolve_user("5000", "", ""), (ContainerUser{5000, 0, {}, "/"}));
}

TEST(ContainerUser, RefusesWhatItCannotFind) {
  EXPECT_EQ(resolve_user("nobody", passwd, group).error().message(),
            "unable to find user nobody: no matching entries in passwd file");
  EXPECT_EQ(resolve_user("0:staff", passwd, group).error().message(),
            "unable to find group staff: no matching entries in group file");
  EXPECT_FALSE(resolve_user("4294967295", passwd, group));
  EXPECT_FALSE(resolve_user("-1", passwd, group));
}

TEST(ContainerUser, ThePodsWordWinsOverTheImages) {
  const auto choose = [](const UserWish& wish) { return *choose_user(wish, passwd, group); };
  EXPECT_EQ(choose({"nginx", {}, {}}), (ContainerUser{101, 102, {33, 4}, "/var/cache/nginx"}));
  EXPECT_EQ(choose({"nginx", {}, 7}), (ContainerUser{101, 7, {33, 4}, "/var/cache/nginx"}));
  EXPECT_EQ(choose({"nginx:www", {}, 7}), (ContainerUser{101, 7, {33, 4}, "/var/cache/nginx"}));
  EXPECT_EQ(choose({"", {}, 7}), (ContainerUser{0, 7, {}, "/root"}));
  EXPECT_EQ(choose({"root", 101, {}}), (ContainerUser{101, 102, {33, 4}, "/var/cache/nginx"}));
  EXPECT_EQ(choose({"nginx", 5000, {}}), (ContainerUser{5000, 0, {}, "/"}));
  EXPECT_EQ(choose({"nginx", 5000, 9}), (ContainerUser{5000, 9, {}, "/"}));
  EXPECT_EQ(choose({"no-such", 0, {}}), (ContainerUser{0, 0, {}, "/root"}));
  EXPECT_FALSE(choose_user({"no-such", {}, 7}, passwd, group));
}

TEST(ContainerUser, ANumberIsNobodysName) {
  constexpr std::string_view odd_passwd =
      "1000:x:0:0::/root:/bin/sh\nme:x:1000:33::/home/me:/bin/sh\n";
  auto user = resolve_user("1000", odd_passwd, "");
  ASSERT_TRUE(user) << user.error().message();
  EXPECT_EQ(user->user, 1000U);
  EXPECT_EQ(user->group, 33U);
  auto chosen = choose_user({.run_as_user = 1000}, "1000:x:0:0::/root:/bin/sh\n", "");
  ASSERT_TRUE(chosen) << chosen.error().message();
  EXPECT_EQ(chosen->user, 1000U);
  EXPECT_EQ(chosen->group, 0U);
}

}  // namespace
}  // namespace hoplab::proc
