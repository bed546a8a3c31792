#include "runtime/nft/attributes.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace hoplab::nft {

std::optional<Attribute> take_attribute(Bytes& rest) {
  nlattr header{};
  if (rest.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, rest.data(), sizeof header);
  if (header.nla_len < sizeof header || header.nla_len > rest.size()) return std::nullopt;
  const Attribute found{static_cast<uint16_t>(header.nla_type & NLA_TYPE_MASK),
                        rest.subspan(sizeof header, header.nla_len - sizeof header)};
  rest = rest.subspan(std::min<size_t>(NLA_ALIGN(header.nla_len), rest.size()));
  return found;
}

Bytes find_attribute(Bytes attributes, uint16_t type) {
  while (auto attribute = take_attribute(attributes)) {
    if (attribute->type == type) return attribute->payload;
  }
  return {};
}

std::string text_of(Bytes payload) {
  std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());  // NOLINT
  return std::string(text.substr(0, text.find('\0')));
}

std::optional<Message> open_message(Bytes message) {
  nlmsghdr header{};
  nfgenmsg generic{};
  constexpr size_t headers = sizeof header + sizeof generic;
  if (message.size() < headers) return std::nullopt;
  std::memcpy(&header, message.data(), sizeof header);
  std::memcpy(&generic, message.data() + sizeof header, sizeof generic);
  if (header.nlmsg_len < headers || header.nlmsg_len > message.size()) return std::nullopt;
  if (header.nlmsg_type >> 8U != NFNL_SUBSYS_NFTABLES) return std::nullopt;
  return Message{header.nlmsg_type & 0xff, generic.nfgen_family,
                 message.subspan(headers, header.nlmsg_len - headers)};
}

std::optional<Bytes> message_body(Bytes message, int type) {
  const auto opened = open_message(message);
  if (!opened || opened->type != type || opened->family != NFPROTO_IPV4) return std::nullopt;
  return opened->body;
}

}  // namespace hoplab::nft
