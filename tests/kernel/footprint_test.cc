#include "runtime/observe/footprint.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>

#include "runtime/base/text.h"
#include "tests/kernel/sandbox_netns.h"

namespace hoplab {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::IsEmpty;
using testing::StartsWith;

/// What is left behind in a network namespace is seen, whatever kind it is of.
class FootprintOfKernel : public test::SandboxNetns {
 protected:
  static Footprint look() {
    auto found = read_footprint("/no/such/executable");
    EXPECT_TRUE(found) << found.error().message();
    return found ? *found : Footprint{};
  }
  /// The differences that a command makes.
  static std::vector<std::string> left_by(const std::string& command) {
    const Footprint before = look();
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return compare(before, look());
  }
};

TEST_F(FootprintOfKernel, NothingDoneIsNoDifference) {
  EXPECT_THAT(left_by("true"), IsEmpty());
}

TEST_F(FootprintOfKernel, PolicyRules) {
  EXPECT_THAT(left_by("ip rule add from 10.9.0.0/16 table 77 priority 500"),
              Contains(AllOf(StartsWith("+ ip rule "), testing::HasSubstr(" from 10.9.0.0"),
                             testing::HasSubstr(" table 77"))));
  EXPECT_THAT(left_by("ip -6 rule add from 2001:db8::/32 table 78 priority 501"),
              Contains(AllOf(StartsWith("+ ip -6 rule "), testing::HasSubstr("2001:db8::"))));
}

TEST_F(FootprintOfKernel, Ipv6AddressesAndRoutes) {
  if (std::system("test -d /proc/sys/net/ipv6") != 0) GTEST_SKIP() << "this kernel has no IPv6";
  EXPECT_THAT(left_by("ip -6 address add 2001:db8::1/64 dev lo"),
              Contains("+ ip -6 address 2001:db8::1/64 dev lo"));
  EXPECT_THAT(left_by("ip -6 route add 2001:db8:1::/48 dev lo metric 7"),
              Contains(AllOf(StartsWith("+ ip -6 route "), testing::HasSubstr(" to 2001:db8:1::"),
                             testing::HasSubstr(" dev lo metric 7"))));
}

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null").c_str()) == 0;
}

/// inet has no older command: runtime/nft/listing_test.cc reads its messages.
TEST_F(FootprintOfKernel, TablesOfOtherFamilies) {
  struct Family {
    std::string program, name;
  };
  for (const auto& [program, name] :
       {Family{"iptables", "ip"}, {"ip6tables", "ip6"}, {"ebtables", "bridge"}}) {
    if (!has_program(program)) GTEST_SKIP() << program << " is not installed";
    const auto left = left_by(program + " -A INPUT -j ACCEPT");
    EXPECT_THAT(left, Contains("+ nft table " + name + " filter"));
    EXPECT_THAT(left, Contains(StartsWith("+ nft chain " + name + " filter INPUT ")));
    EXPECT_THAT(left, Contains(StartsWith("+ nft rule " + name + " filter INPUT ")));
  }
}

TEST_F(FootprintOfKernel, CountersAreNoDifference) {
  if (!has_program("iptables")) GTEST_SKIP() << "iptables is not installed";
  ASSERT_EQ(std::system("iptables -A OUTPUT -d 127.0.0.1"), 0);
  EXPECT_THAT(left_by("ping -c 1 127.0.0.1 >/dev/null"), IsEmpty());
}

TEST_F(FootprintOfKernel, NetworkSettings) {
  EXPECT_THAT(left_by("echo 1 > /proc/sys/net/ipv4/conf/lo/proxy_arp"),
              Contains("+ sysctl /proc/sys/net/ipv4/conf/lo/proxy_arp = 1"));
  EXPECT_THAT(left_by("echo 3 > /proc/sys/net/core/somaxconn"),
              Contains("+ sysctl /proc/sys/net/core/somaxconn = 3"));
}

}  // namespace
}  // namespace hoplab
