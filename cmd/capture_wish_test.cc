#include "cmd/capture_wish.h"

#include <gtest/gtest.h>

namespace hoplab::cmd {
namespace {

using Words = std::vector<std::string>;

TEST(CaptureWish, FlagsAreSpreadAsTcpdumpReadsThem) {
  std::map<char, int> counts;
  EXPECT_EQ(spread_flags({"-nnvvei", "eth0", "proto", "4", "-c3", "-tttt", "--quiet"}, counts),
            (Words{"-n", "-v", "-e", "-i", "eth0", "proto", "4", "-c", "3", "-t", "--quiet"}));
  EXPECT_EQ(counts['v'], 2);
  EXPECT_EQ(counts['t'], 4);
  counts.clear();
  EXPECT_EQ(spread_flags({"-w", "-", "-", "-ieth0", "-s"}, counts),
            (Words{"-w", "-", "-", "-i", "eth0", "-s"}));
}

TEST(CaptureWish, IsWhatTcpdumpWouldDo) {
  const auto parsed = parse_capture({"-nnAei", "any", "-s0", "icmp", "or", "arp", "-tttt"});
  ASSERT_TRUE(std::holds_alternative<CaptureWish>(parsed));
  const auto& wish = std::get<CaptureWish>(parsed);
  EXPECT_EQ(wish.interface, "any");
  EXPECT_EQ(wish.filter, "icmp or arp");
  EXPECT_TRUE(wish.print.ascii);
  EXPECT_TRUE(wish.print.link_header);
  EXPECT_EQ(wish.times, TimeStyle::date);
  EXPECT_EQ(std::get<CaptureWish>(parse_capture({})).times, TimeStyle::of_day);
  EXPECT_EQ(std::get<CaptureWish>(parse_capture({"-t"})).times, TimeStyle::none);
}

TEST(CaptureWish, RefusesWhatMakesNoSense) {
  for (const Words& args :
       {Words{"-c", "0"}, Words{"-c", "many"}, Words{"-r", "f", "-i", "eth0"}, Words{"-Z"}}) {
    EXPECT_EQ(std::get<int>(parse_capture(args)), 2);
  }
}

}  // namespace
}  // namespace hoplab::cmd
