#include "runtime/nft/render_batch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "runtime/nft/identity.h"
#include "runtime/nft/observe.h"
#include "runtime/nft/render_text.h"
#include "runtime/nft/sample_rules.h"

namespace hoplab::nft {
namespace {

std::string hex(const std::string& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i % 32 == 0 && i != 0) out += '\n';
    const auto byte = static_cast<uint8_t>(bytes[i]);
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
  }
  return out + "\n";
}

std::string must_encode(const Change& change) {
  const EncodeOptions options{"kube-proxy", [](const std::string&) { return uint16_t{7}; }};
  auto message = encode_change(change, 1, options);
  EXPECT_TRUE(message) << message.error().message();
  return message ? *message : std::string();
}

/// The messages of all samples, in the form of tests/golden/nft_batch.txt. That file was written
/// when the kernel tests had shown that iptables-save prints these very messages as the lines.
std::string golden_text() {
  std::ostringstream out;
  for (const SampleRule& sample : sample_rules()) {
    out << sample.table << ' ' << sample.line << '\n'
        << hex(must_encode(
               {ChangeKind::add_rule, sample.table, sample.chain, {}, sample.rule, 0, 0}));
  }
  const Change chain{
      ChangeKind::add_chain, "nat", "OUTPUT", builtin_chain("nat", "OUTPUT"), {}, 0, 0};
  out << to_command(chain) << '\n' << hex(must_encode(chain));
  const Change user_chain{ChangeKind::add_chain, "nat", "X", {}, {}, 0, 0};
  out << to_command(user_chain) << '\n' << hex(must_encode(user_chain));
  const Change gone{ChangeKind::delete_rule, "nat", "X", {}, {}, 258, 0};
  out << to_command(gone) << '\n' << hex(must_encode(gone));
  out << "batch\n" << hex(encode_batch_begin(1)) << hex(encode_batch_end(2));
  return out.str();
}

TEST(RenderBatch, WritesTheBytesThatIptablesReads) {
  if (std::getenv("HOPLAB_WRITE_GOLDEN") != nullptr) {
    std::ofstream("tests/golden/nft_batch.txt") << golden_text();
  }
  std::ifstream file("tests/golden/nft_batch.txt");
  std::stringstream expected;
  expected << file.rdbuf();
  ASSERT_FALSE(expected.str().empty()) << "run in the source folder";
  std::istringstream written(golden_text());
  std::string line, wanted;
  for (int number = 1; std::getline(expected, wanted); ++number) {
    std::getline(written, line);
    ASSERT_EQ(line, wanted) << "tests/golden/nft_batch.txt:" << number;
  }
  EXPECT_FALSE(std::getline(written, line)) << "not in the golden file: " << line;
}

TEST(RenderBatch, TheMarkIsReadBackFromTheMessage) {
  for (const SampleRule& sample : sample_rules()) {
    const std::string message =
        must_encode({ChangeKind::add_rule, sample.table, sample.chain, {}, sample.rule, 0, 0});
    auto parsed = parse_rule_message(std::as_bytes(std::span(message)));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->table, sample.table);
    EXPECT_EQ(parsed->chain, sample.chain);
    EXPECT_EQ(parsed->rule.owner, "kube-proxy");
    EXPECT_EQ(parsed->rule.hash, rule_hash(rule_spec(sample.rule)));
  }
}

TEST(RenderBatch, RefusesWhatTheKernelWouldCut) {
  const EncodeOptions options{"kube-proxy", {}};
  const auto refused = [&](const Rule& rule) {
    auto message = encode_change({ChangeKind::add_rule, "nat", "X", {}, rule, 0, 0}, 1, options);
    return message ? std::string("accepted") : message.error().message();
  };
  EXPECT_NE(refused(sample({CommentMatch{std::string(256, 'x')}}, Drop{})).find("longer than 255"),
            std::string::npos);
  EXPECT_NE(refused(sample({}, Jump{std::string(29, 'X')})).find("longer than 28"),
            std::string::npos);
  EXPECT_NE(refused(sample({PortMatch{}}, Drop{})).find("needs protocol tcp or udp"),
            std::string::npos);
  EXPECT_NE(refused(sample({SetMatch{"s", {}, false}}, Drop{})).find("directions"),
            std::string::npos);
  EXPECT_EQ(refused(sample({CommentMatch{std::string(255, 'x')}}, Drop{})), "accepted");
}

TEST(RenderBatch, AppendsOneMessageBehindAnotherOrNothing) {
  const EncodeOptions options{"kube-proxy", {}};
  const auto add = [](const Rule& rule) {
    return Change{ChangeKind::add_rule, "nat", "X", {}, rule, 0, 0};
  };
  const Change good = add(sample({CommentMatch{"a comment"}}, Drop{}));
  std::string bytes;
  ASSERT_TRUE(append_change(bytes, good, 1, options).ok());
  ASSERT_TRUE(append_change(bytes, good, 2, options).ok());
  const std::string two = *encode_change(good, 1, options) + *encode_change(good, 2, options);
  EXPECT_EQ(bytes, two);
  const auto refused = append_change(bytes, add(sample({PortMatch{}}, Drop{})), 3, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("rule \"-A X"), std::string::npos);
  EXPECT_EQ(bytes, two);
}

TEST(ParseMessages, ReadWhatIsThereAndRefuseTheRest) {
  std::string message =
      must_encode({ChangeKind::add_rule, "nat", "X", {}, sample({}, Masquerade{}), 0, 0});
  EXPECT_FALSE(parse_chain_message(std::as_bytes(std::span(message))));
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(parse_rule_message(std::as_bytes(std::span(message).first(size))));
  }
  const Change user_chain{ChangeKind::add_chain, "nat", "X", {}, {}, 0, 0};
  message = must_encode(user_chain);
  auto chain = parse_chain_message(std::as_bytes(std::span(message)));
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->info.owner, "kube-proxy");
  EXPECT_FALSE(chain->info.base);
}

}  // namespace
}  // namespace hoplab::nft
