#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "runtime/base/base64.h"
#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"
#include "runtime/base/mailbox.h"
#include "runtime/base/text.h"

namespace hoplab {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error(ErrorCode::invalid, str(n, " is odd"));
  return n / 2;
}

Result<int> quarter(int n) {
  HOP_TRY(int once, half(n).context("first half"));
  HOP_TRY(int twice, half(once).context("second half"));
  return twice;
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message(), "second half: 3 is odd");
  EXPECT_EQ(quarter(7).error().code(), ErrorCode::invalid);
}

TEST(Error, NamesTheErrno) {
  auto missing = read_file("/no/such/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "opening /no/such/file: No such file or directory (ENOENT)");
  EXPECT_EQ(missing.error().code(), ErrorCode::not_found);
  EXPECT_EQ(missing.error().sys_errno(), ENOENT);
}

TEST(Fd, ReplaceFileLeavesNoTemporary) {
  std::string path = testing::TempDir() + "hoplab_fd_test";
  ASSERT_TRUE(replace_file(path, "one"));
  ASSERT_TRUE(replace_file(path, "two"));
  EXPECT_EQ(*read_file(path), "two");
  EXPECT_FALSE(read_file(path, 2));
  ::unlink(path.c_str());
}

TEST(Json, ErrorsNameThePlace) {
  auto bad = parse_json("{\n  \"a\": nope\n}");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message().find("line 2, column 9"), std::string::npos)
      << bad.error().message();
  EXPECT_EQ(bad.error().code(), ErrorCode::bad_request);
  EXPECT_FALSE(parse_json("{} {}"));
  EXPECT_FALSE(parse_json(std::string(100000, '[')));
  EXPECT_FALSE(parse_json("\"\xff\""));
}

TEST(Json, ReadersNeverThrow) {
  Json object = *parse_json(R"({"a":{"b":{"c":7}},"s":"x"})");
  EXPECT_EQ(at_path(object, "a.b.c"), 7);
  EXPECT_TRUE(at_path(object, "a.x.c").is_null());
  EXPECT_EQ(string_or(object, "s"), "x");
  EXPECT_EQ(string_or(object, "a", "none"), "none");
  EXPECT_EQ(int_or(Json(3), "a", 5), 5);
}

TEST(Clock, FormatsAndReadsRfc3339) {
  auto time = parse_rfc3339("2026-11-23T05:06:07.123456Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(to_rfc3339(*time), "2026-11-23T05:06:07Z");
  EXPECT_EQ(to_rfc3339_micro(*time), "2026-11-23T05:06:07.123456Z");
  EXPECT_FALSE(parse_rfc3339("yesterday"));
  EXPECT_FALSE(parse_rfc3339("2262-05-01T00:00:00Z")) << "has no place in 64 bits";
}

TEST(Clock, AnySpanFromOutsideCanBeAddedToAnyTime) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(bounded_seconds(30), std::chrono::seconds(30));
  const WallTime last = *parse_rfc3339("2160-12-31T23:59:59Z");
  const WallTime first = *parse_rfc3339("1800-01-01T00:00:00Z");
  EXPECT_GT(last + bounded_seconds(most), last);
  EXPECT_LT(first + bounded_seconds(-most), first);
}

TEST(Mailbox, CoalescesAndKeepsOrder) {
  Mailbox<std::string> box;
  box.put("a");
  box.put("b");
  box.put("a");
  EXPECT_EQ(box.take(Millis(0)), "a");
  EXPECT_EQ(box.take(Millis(0)), "b");
  EXPECT_EQ(box.take(Millis(0)), std::nullopt);
  std::jthread writer([&box] { box.put("c"); });
  EXPECT_EQ(box.take(Millis(5000)), "c");
  box.close();
  box.put("d");
  EXPECT_EQ(box.take(Millis(5000)), std::nullopt);
}

TEST(Text, SplitsJoinsAndQuotes) {
  EXPECT_EQ(split("a,,b", ',').size(), 3U);
  EXPECT_TRUE(split("", ',').empty());
  EXPECT_EQ(words("  a \t b\n").size(), 2U);
  EXPECT_EQ(trim(" x "), "x");
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(shell_quote("10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
}

TEST(Base64, MatchesRfc4648) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {std::string("\0\xff", 2), "AP8="}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64_encode(plain), coded);
    EXPECT_EQ(*base64_decode(coded), plain);
  }
  for (auto bad : {"Z", "Zg=", "Zg===", "Z!==", "Zg==Zg=="})
    EXPECT_FALSE(base64_decode(bad)) << bad;
}

TEST(Base64, TheFormOfTokensHasOneTextForEachValue) {
  for (const std::string plain : {"", "f", "fo", "foo", "foob", "\xfb\xff\xfe"}) {
    EXPECT_EQ(*base64url_decode(base64url_encode(plain)), plain);
  }
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe"), "-__-");
  for (const char* bad : {"Z", "Zg==", "Zh", "Zm9v\n", "+//+"}) {
    EXPECT_FALSE(base64url_decode(bad)) << bad;
  }
}

TEST(Bytes, HaveKnownDigitsAndHashes) {
  constexpr unsigned char bytes[] = {0x00, 0x7f, 0xa5, 0xff};
  EXPECT_EQ(hex_text(std::as_bytes(std::span(bytes))), "007fa5ff");
  EXPECT_EQ(hex_text({}), "");
  // draft-eastlake-fnv, appendix C
  EXPECT_EQ(fnv1a_64(""), 0xcbf29ce484222325U);
  EXPECT_EQ(fnv1a_64("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(fnv1a_64("foobar"), 0x85944171f73967e8U);
}

}  // namespace
}  // namespace hoplab
