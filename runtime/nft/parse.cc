#include <endian.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

#include "runtime/nft/attributes.h"
#include "runtime/nft/identity.h"
#include "runtime/nft/observe.h"

namespace hoplab::nft {

namespace {

uint64_t number_of(Bytes payload) {
  uint64_t value = 0;
  if (payload.size() != sizeof value) return 0;
  std::memcpy(&value, payload.data(), sizeof value);
  return be64toh(value);
}

void read_counters(Bytes expressions, ObservedRule& rule) {
  while (auto element = take_attribute(expressions)) {
    if (text_of(find_attribute(element->payload, NFTA_EXPR_NAME)) != "counter") continue;
    const Bytes data = find_attribute(element->payload, NFTA_EXPR_DATA);
    rule.packets = number_of(find_attribute(data, NFTA_COUNTER_PACKETS));
    rule.bytes = number_of(find_attribute(data, NFTA_COUNTER_BYTES));
  }
}

}  // namespace

std::optional<RuleMessage> parse_rule_message(Bytes message) {
  auto body = message_body(message, NFT_MSG_NEWRULE);
  if (!body) return std::nullopt;
  RuleMessage out;
  Bytes expressions;
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
        expressions = attribute->payload;
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
  read_counters(expressions, out.rule);
  if (out.rule.owner.empty()) out.rule.shape = shape_of_expressions(expressions);
  return out;
}

std::optional<ChainMessage> parse_chain_message(Bytes message) {
  auto body = message_body(message, NFT_MSG_NEWCHAIN);
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
  auto body = message_body(message, NFT_MSG_NEWTABLE);
  if (!body) return std::nullopt;
  return text_of(find_attribute(*body, NFTA_TABLE_NAME));
}

}  // namespace hoplab::nft
