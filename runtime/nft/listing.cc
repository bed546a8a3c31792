#include "runtime/nft/listing.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/text.h"
#include "runtime/nft/attributes.h"
#include "runtime/nft/transaction.h"

namespace hoplab::nft {

namespace {

constexpr int listing_attempts = 5;

std::string family_name(uint8_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_NETDEV:
      return "netdev";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_IPV6:
      return "ip6";
    default:
      return str("family-", int{family});
  }
}

uint64_t handle_in(Bytes body, uint16_t type) {
  const Bytes payload = find_attribute(body, type);
  uint64_t value = 0;
  if (payload.size() != sizeof value) return 0;
  std::memcpy(&value, payload.data(), sizeof value);
  return be64toh(value);
}

std::string_view characters(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // NOLINT
}

/// Of all expressions but those in which the kernel counts.
uint64_t hash_of(Bytes expressions) {
  std::string text;
  while (auto element = take_attribute(expressions)) {
    const std::string name = text_of(find_attribute(element->payload, NFTA_EXPR_NAME));
    text += name + '\n';
    if (name == "counter" || name == "quota" || name == "last") continue;
    text += characters(find_attribute(element->payload, NFTA_EXPR_DATA));
  }
  return fnv1a_64(text);
}

std::string chain_line(Bytes body) {
  std::string out = str(text_of(find_attribute(body, NFTA_CHAIN_TABLE)), " ",
                        text_of(find_attribute(body, NFTA_CHAIN_NAME)), " handle ",
                        handle_in(body, NFTA_CHAIN_HANDLE));
  const Bytes hook = find_attribute(body, NFTA_CHAIN_HOOK);
  if (hook.empty()) return out;
  const Bytes policy = find_attribute(body, NFTA_CHAIN_POLICY);
  return out + str(" type ", text_of(find_attribute(body, NFTA_CHAIN_TYPE)), " hook ",
                   fnv1a_64(characters(hook)), " policy ", fnv1a_64(characters(policy)));
}

std::string rule_line(Bytes body) {
  return str(text_of(find_attribute(body, NFTA_RULE_TABLE)), " ",
             text_of(find_attribute(body, NFTA_RULE_CHAIN)), " handle ",
             handle_in(body, NFTA_RULE_HANDLE), " hash ",
             hash_of(find_attribute(body, NFTA_RULE_EXPRESSIONS)));
}

/// Sets, objects and flowtables: all have table and name in the same two places.
std::string named_line(Bytes body) {
  static_assert(int{NFTA_SET_TABLE} == int{NFTA_OBJ_TABLE} &&
                int{NFTA_SET_TABLE} == int{NFTA_FLOWTABLE_TABLE});
  static_assert(int{NFTA_SET_NAME} == int{NFTA_OBJ_NAME} &&
                int{NFTA_SET_NAME} == int{NFTA_FLOWTABLE_NAME});
  return str(text_of(find_attribute(body, NFTA_SET_TABLE)), " ",
             text_of(find_attribute(body, NFTA_SET_NAME)));
}

std::string request_for(int type, uint32_t sequence) {
  alignas(8) std::array<char, 64> buffer{};
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type);
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = sequence;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = NFPROTO_UNSPEC;  // All of them.
  return {buffer.data(), header->nlmsg_len};
}

Result<std::vector<std::string>> list_once(NftSocket& socket) {
  std::vector<std::string> out;
  for (int type : {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETSET,
                   NFT_MSG_GETOBJ, NFT_MSG_GETFLOWTABLE}) {
    auto done = socket.dump(request_for(type, socket.next_sequence()),
                            [&](std::span<const std::byte> message) {
                              if (auto line = listing_line(message)) out.push_back(*line);
                              return Result<void>();
                            });
    // An older kernel has no objects or flowtables to ask for.
    if (!done && (done.error().sys_errno() == EINVAL || done.error().sys_errno() == EOPNOTSUPP)) {
      continue;
    }
    HOP_CHECK(std::move(done));
  }
  return out;
}

}  // namespace

std::optional<std::string> listing_line(std::span<const std::byte> message) {
  const auto opened = open_message(message);
  if (!opened) return std::nullopt;
  const std::string family = family_name(opened->family);
  switch (opened->type) {
    case NFT_MSG_NEWTABLE:
      return str("nft table ", family, " ", text_of(find_attribute(opened->body, NFTA_TABLE_NAME)));
    case NFT_MSG_NEWCHAIN:
      return str("nft chain ", family, " ", chain_line(opened->body));
    case NFT_MSG_NEWRULE:
      return str("nft rule ", family, " ", rule_line(opened->body));
    case NFT_MSG_NEWSET:
      return str("nft set ", family, " ", named_line(opened->body));
    case NFT_MSG_NEWOBJ:
      return str("nft object ", family, " ", named_line(opened->body));
    case NFT_MSG_NEWFLOWTABLE:
      return str("nft flowtable ", family, " ", named_line(opened->body));
    default:
      return std::nullopt;
  }
}

Result<std::vector<std::string>> list_everything(NftSocket& socket) {
  for (int attempt = 1;; ++attempt) {
    auto out = list_once(socket);
    if (out || out.error().code() != ErrorCode::conflict || attempt == listing_attempts) return out;
  }
}

}  // namespace hoplab::nft
