#include "cmd/nearest.h"

#include <gtest/gtest.h>

namespace hoplab::cmd {
namespace {

TEST(Nearest, CountsMistakes) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "up"), 2U);
  EXPECT_EQ(edit_distance("down", "down"), 0U);
  EXPECT_EQ(edit_distance("dwon", "down"), 2U);
  EXPECT_EQ(edit_distance("statuss", "status"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, ProposesWhatWasMeant) {
  const std::vector<std::string_view> verbs{"up", "down", "status", "shell", "kubectl", "why"};
  EXPECT_EQ(nearest("stauts", verbs), "status");
  EXPECT_EQ(nearest("sh", verbs), "shell");
  EXPECT_EQ(nearest("kubeclt", verbs), "kubectl");
  // The fewest mistakes win, not the first.
  EXPECT_EQ(nearest("shelly", {"spell", "shell"}), "shell");
}

TEST(Nearest, ProposesNothingAtRandom) {
  const std::vector<std::string_view> verbs{"up", "down", "status", "why"};
  EXPECT_EQ(nearest("xyz", verbs), "");
  EXPECT_EQ(nearest("pu", verbs), "");  // Two mistakes in two letters.
  EXPECT_EQ(nearest("u", verbs), "");
  EXPECT_EQ(nearest("", verbs), "");
  EXPECT_EQ(nearest("up", {}), "");
}

}  // namespace
}  // namespace hoplab::cmd
