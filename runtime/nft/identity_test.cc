#include "runtime/nft/identity.h"

#include <gtest/gtest.h>

namespace hoplab::nft {
namespace {

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(RuleMark, SurvivesTheRoundTrip) {
  const RuleMark mark{"kube-proxy", 0x0102030405060708};
  EXPECT_EQ(find_mark(bytes(encode_user_data(mark, ""))), mark);
  EXPECT_EQ(find_mark(bytes(encode_user_data(mark, "a comment"))), mark);
}

TEST(RuleMark, IsNotFoundInForeignOrDamagedBytes) {
  EXPECT_EQ(find_mark({}), std::nullopt);
  EXPECT_EQ(find_mark(bytes(std::string("\0\x04hey\0", 6))), std::nullopt);
  std::string cut = encode_user_data({"calico-node", 9}, "comment");
  cut.pop_back();
  EXPECT_EQ(find_mark(bytes(cut)), std::nullopt);
}

TEST(RuleHash, IsStable) {
  EXPECT_EQ(rule_hash(""), 0xcbf29ce484222325U);
  EXPECT_EQ(rule_hash("a"), 0xaf63dc4c8601ec8cU);  // Published FNV-1a vectors.
  EXPECT_EQ(rule_hash("foobar"), 0x85944171f73967e8U);
}

}  // namespace
}  // namespace hoplab::nft
