#pragma once

// Private to runtime/nft: bounded reading of netlink attributes. libnftnl's own parsers crash on
// damaged messages (an expression without a name), so the readers of dumps do not use them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace hoplab::nft {

using Bytes = std::span<const std::byte>;

/// One attribute: its type without the flag bits, and its payload.
struct Attribute {
  uint16_t type = 0;
  Bytes payload;
};

/// Takes the first attribute off `rest`; nullopt at the end or where the lengths do not add up.
std::optional<Attribute> take_attribute(Bytes& rest);
/// The payload of the first attribute of this type; empty when there is none.
Bytes find_attribute(Bytes attributes, uint16_t type);
/// Text up to the first zero byte.
std::string text_of(Bytes payload);

/// A message of nftables: NFT_MSG_…, NFPROTO_…, and the attributes behind its headers.
struct Message {
  int type = 0;
  uint8_t family = 0;
  Bytes body;
};
/// Nullopt unless it is one of nftables, and whole.
std::optional<Message> open_message(Bytes message);
/// The attributes behind the headers of a message; nullopt unless it is this message of nftables
/// (NFT_MSG_…) and of IPv4.
std::optional<Bytes> message_body(Bytes message, int type);

/// What a rule does, as comparable text, from its NFTA_RULE_EXPRESSIONS; equal for our rule and for
/// the same rule made by `iptables -A` or iptables-restore. Empty when it has an expression that
/// ours never have.
std::string shape_of_expressions(Bytes expressions);

}  // namespace hoplab::nft
