#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstring>
#include <string_view>

#include "runtime/nft/expressions.h"
#include "runtime/nft/identity.h"
#include "runtime/nft/observe.h"

namespace hoplab::nft {

namespace {

using Bytes = std::span<const std::byte>;

/// One attribute: its type without the flag bits and its payload.
struct Attribute {
  uint16_t type = 0;
  Bytes payload;
};

/// Takes the first attribute off `rest`; nullopt at the end or where the lengths do not add up.
std::optional<Attribute> take_attribute(Bytes& rest) {
  nlattr header{};
  if (rest.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, rest.data(), sizeof header);
  if (header.nla_len < sizeof header || header.nla_len > rest.size()) return std::nullopt;
  const Attribute found{static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
                        rest.subspan(sizeof header, header.nla_len - sizeof header)};
  rest = rest.subspan(std::min<size_t>(MNL_ALIGN(header.nla_len), rest.size()));
  return found;
}

std::string text_of(Bytes payload) {
  std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());  // NOLINT
  return std::string(text.substr(0, text.find('\0')));
}

uint64_t number_of(Bytes payload) {
  uint64_t value = 0;
  if (payload.size() != sizeof value) return 0;
  std::memcpy(&value, payload.data(), sizeof value);
  return be64toh(value);
}

/// The attributes behind a message's headers; nullopt unless it is this nftables message of IPv4.
std::optional<Bytes> body_of(Bytes message, int type) {
  nlmsghdr header{};
  nfgenmsg generic{};
  if (message.size() < sizeof header + sizeof generic) return std::nullopt;
  std::memcpy(&header, message.data(), sizeof header);
  std::memcpy(&generic, message.data() + sizeof header, sizeof generic);
  if (header.nlmsg_len < sizeof header + sizeof generic || header.nlmsg_len > message.size()) {
    return std::nullopt;
  }
  if (header.nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8U | static_cast<unsigned>(type))) {
    return std::nullopt;
  }
  if (generic.nfgen_family != NFPROTO_IPV4) return std::nullopt;
  return message.subspan(sizeof header + sizeof generic,
                         header.nlmsg_len - sizeof header - sizeof generic);
}

void read_counter(Bytes data, ObservedRule& rule) {
  while (auto attribute = take_attribute(data)) {
    if (attribute->type == NFTA_COUNTER_PACKETS) rule.packets = number_of(attribute->payload);
    if (attribute->type == NFTA_COUNTER_BYTES) rule.bytes = number_of(attribute->payload);
  }
}

void read_expressions(Bytes list, ObservedRule& rule) {
  while (auto element = take_attribute(list)) {
    std::string name;
    Bytes data;
    Bytes inside = element->payload;
    while (auto attribute = take_attribute(inside)) {
      if (attribute->type == NFTA_EXPR_NAME) name = text_of(attribute->payload);
      if (attribute->type == NFTA_EXPR_DATA) data = attribute->payload;
    }
    if (name == "counter") read_counter(data, rule);
  }
}

/// What an unmarked rule does. libnftnl reads the message, from an aligned copy.
std::string shape_of(Bytes message) {
  std::vector<uint64_t> copy((message.size() + 7) / 8);
  std::memcpy(copy.data(), message.data(), message.size());
  const NftnlRule rule(nftnl_rule_alloc());
  const auto* header = reinterpret_cast<const nlmsghdr*>(copy.data());  // NOLINT
  if (nftnl_rule_nlmsg_parse(header, rule.get()) < 0) return {};
  return rule_shape(rule.get());
}

}  // namespace

std::optional<RuleMessage> parse_rule_message(Bytes message) {
  auto body = body_of(message, NFT_MSG_NEWRULE);
  if (!body) return std::nullopt;
  RuleMessage out;
  while (auto attribute = take_attribute(*body)) {
    switch (attribute->type) {
      case NFTA_RULE_TABLE:
        out.table = text_of(attribute->payload);
        break;
      case NFTA_RULE_CHAIN:
        out.chain = text_of(attribute->payload);
        break;
      case NFTA_RULE_HANDLE:
        out.rule.handle = number_of(attribute->payload);
        break;
      case NFTA_RULE_EXPRESSIONS:
        read_expressions(attribute->payload, out.rule);
        break;
      case NFTA_RULE_USERDATA:
        if (auto mark = find_mark(attribute->payload)) {
          out.rule.owner = mark->owner;
          out.rule.hash = mark->hash;
        }
        break;
      default:
        break;
    }
  }
  if (out.rule.owner.empty()) out.rule.shape = shape_of(message);
  return out;
}

std::optional<ChainMessage> parse_chain_message(Bytes message) {
  auto body = body_of(message, NFT_MSG_NEWCHAIN);
  if (!body) return std::nullopt;
  ChainMessage out;
  while (auto attribute = take_attribute(*body)) {
    switch (attribute->type) {
      case NFTA_CHAIN_TABLE:
        out.table = text_of(attribute->payload);
        break;
      case NFTA_CHAIN_NAME:
        out.chain = text_of(attribute->payload);
        break;
      case NFTA_CHAIN_HOOK:
        out.info.base = true;
        break;
      case NFTA_CHAIN_USERDATA:
        if (auto mark = find_mark(attribute->payload)) out.info.owner = mark->owner;
        break;
      default:
        break;
    }
  }
  return out;
}

std::optional<std::string> parse_table_message(Bytes message) {
  auto body = body_of(message, NFT_MSG_NEWTABLE);
  if (!body) return std::nullopt;
  while (auto attribute = take_attribute(*body)) {
    if (attribute->type == NFTA_TABLE_NAME) return text_of(attribute->payload);
  }
  return std::nullopt;
}

}  // namespace hoplab::nft
