#include "store/api/quantity.h"

#include <gtest/gtest.h>

namespace hoplab::api {
namespace {

std::string canonical(std::string_view text) {
  auto quantity = parse_quantity(text);
  return quantity ? to_string(*quantity) : "bad";
}

TEST(Quantity, HasOneCanonicalText) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"100m", "100m"}, {"0.5", "500m"},     {"1", "1"},
      {"1000m", "1"},   {"1000", "1k"},      {"1024Mi", "1Gi"},
      {"-1", "-1"},     {"1.5Gi", "1536Mi"}, {"1e3", "1e3"},
      {"12E2", "1200"}, {"+2", "2"},         {"0.5Ki", "512"},
      {"0", "0"},       {".5", "500m"},      {"5.", "5"},
      {"129M", "129M"}, {"0.1", "100m"},     {"128974848", "128974848"},
      {"250u", "1m"}};
  for (auto [text, want] : cases) EXPECT_EQ(canonical(text), want) << text;
  for (const char* bad : {"", ".", "m", "1 ", " 1", "1mm", "1.2.3", "lots", "1e", "1e1000",
                          "1e-2147483648", "--1", "1Kib", "0x10"}) {
    EXPECT_EQ(canonical(bad), "bad") << bad;
  }
}

TEST(Quantity, CountsUpwards) {
  EXPECT_EQ(parse_quantity("1500m")->value(), 2);
  EXPECT_EQ(parse_quantity("128Mi")->value(), 134217728);
  EXPECT_EQ(parse_quantity("100m")->milli, 100);
  EXPECT_EQ(quantity_of(Json(2))->milli, 2000);
  EXPECT_EQ(quantity_of(Json(0.25))->milli, 250);
  EXPECT_FALSE(quantity_of(Json(true)).ok());
  EXPECT_EQ(parse_quantity("9e30")->milli, INT64_MAX);
}

}  // namespace
}  // namespace hoplab::api
