#include "runtime/nft/listing.h"

#include <endian.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <functional>

namespace hoplab::nft {
namespace {

/// The line of a message as the kernel would send it.
std::string line_of(int type, uint8_t family, const std::function<void(nlmsghdr*)>& fill) {
  alignas(8) std::array<char, 2048> buffer{};
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type);
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = family;
  fill(header);
  return listing_line(std::as_bytes(std::span(buffer.data(), header->nlmsg_len))).value_or("");
}

void put_expression(nlmsghdr* message, const char* name, uint64_t data) {
  nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
  mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
  nlattr* inside = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
  mnl_attr_put_u64(message, 1, data);
  mnl_attr_nest_end(message, inside);
  mnl_attr_nest_end(message, element);
}

std::string rule(uint64_t packets, uint64_t compared) {
  return line_of(NFT_MSG_NEWRULE, NFPROTO_INET, [&](nlmsghdr* message) {
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, "fw");
    mnl_attr_put_strz(message, NFTA_RULE_CHAIN, "input");
    mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(7));
    nlattr* list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
    put_expression(message, "cmp", compared);
    put_expression(message, "counter", packets);
    mnl_attr_nest_end(message, list);
  });
}

TEST(NftListing, NamesTheFamily) {
  const auto table = [](uint8_t family) {
    return line_of(NFT_MSG_NEWTABLE, family,
                   [](nlmsghdr* message) { mnl_attr_put_strz(message, NFTA_TABLE_NAME, "fw"); });
  };
  EXPECT_EQ(table(NFPROTO_INET), "nft table inet fw");
  EXPECT_EQ(table(NFPROTO_IPV6), "nft table ip6 fw");
  EXPECT_EQ(table(NFPROTO_NETDEV), "nft table netdev fw");
  EXPECT_EQ(table(99), "nft table family-99 fw");
}

TEST(NftListing, ARuleIsWhatItDoesWithoutItsCounters) {
  EXPECT_TRUE(rule(0, 1).starts_with("nft rule inet fw input handle 7 hash ")) << rule(0, 1);
  EXPECT_EQ(rule(0, 1), rule(1000, 1));
  EXPECT_NE(rule(0, 1), rule(0, 2));
}

TEST(NftListing, OtherMessagesHaveNoLine) {
  EXPECT_EQ(line_of(NFT_MSG_NEWGEN, NFPROTO_INET, [](nlmsghdr*) {}), "");
  EXPECT_EQ(listing_line({}), std::nullopt);
}

}  // namespace
}  // namespace hoplab::nft
