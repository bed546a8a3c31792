#include "runtime/base/ip.h"

#include <gtest/gtest.h>

namespace hoplab {
namespace {

TEST(Ipv4, ReadsAndPrintsDottedQuads) {
  auto ip = Ipv4::parse("192.168.10.101");
  ASSERT_TRUE(ip);
  EXPECT_EQ(to_string(*ip), "192.168.10.101");
  EXPECT_EQ(ip->value(), 0xc0a80a65U);
}

TEST(Ipv4, RefusesEverythingElse) {
  for (auto text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",
                    "a.b.c.d", "1..2.3", "-1.2.3.4", "1.2.3.+4"}) {
    EXPECT_FALSE(Ipv4::parse(text)) << text;
  }
}

TEST(Prefix, KeepsHostBitsAndMasksThem) {
  auto prefix = Prefix::parse("192.168.10.101/24");
  ASSERT_TRUE(prefix);
  EXPECT_EQ(to_string(*prefix), "192.168.10.101/24");
  EXPECT_EQ(to_string(prefix->masked()), "192.168.10.0/24");
  EXPECT_EQ(to_string(prefix->broadcast()), "192.168.10.255");
  EXPECT_EQ(prefix->size(), 256U);
}

TEST(Prefix, BareAddressIsAHost) {
  EXPECT_EQ(Prefix::parse("10.0.0.1")->length(), 32);
}

TEST(Prefix, RefusesBadLengths) {
  for (auto text : {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/024", "10.0.0.0/8x"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Prefix, ContainsAndOverlaps) {
  Prefix pods(Ipv4(172, 16, 0, 0), 16);
  Prefix block(Ipv4(172, 16, 158, 0), 24);
  EXPECT_TRUE(pods.contains(block));
  EXPECT_FALSE(block.contains(pods));
  EXPECT_TRUE(block.overlaps(pods));
  EXPECT_FALSE(block.overlaps(Prefix(Ipv4(172, 16, 159, 0), 24)));
  EXPECT_TRUE(Prefix(Ipv4(), 0).contains(Ipv4(255, 255, 255, 255)));
}

TEST(Mac, ReadsEitherCaseAndPrintsLower) {
  EXPECT_EQ(to_string(*Mac::parse("EE:ee:EE:ee:EE:01")), "ee:ee:ee:ee:ee:01");
  for (auto text :
       {"", "ee:ee:ee:ee:ee", "ee:ee:ee:ee:ee:e", "ee:ee:ee:ee:ee:ee:ee", "gg:0:0:0:0:0"}) {
    EXPECT_FALSE(Mac::parse(text)) << text;
  }
}

}  // namespace
}  // namespace hoplab
