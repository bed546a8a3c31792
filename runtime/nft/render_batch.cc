#include "runtime/nft/render_batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstring>

#include "runtime/base/text.h"
#include "runtime/nft/attributes.h"
#include "runtime/nft/expressions.h"
#include "runtime/nft/identity.h"
#include "runtime/nft/render_text.h"

namespace hoplab::nft {

namespace {

/// Room for one message behind those that are already there. Zeroed, because libmnl leaves the
/// padding behind attributes as it finds it, and that goes to the kernel (and into goldens). Every
/// match takes less than 512 bytes, everything else of a rule less than 2048: user data at most
/// 256, names 29, the largest target 120.
class MessageBuffer {
 public:
  explicit MessageBuffer(std::string& out, size_t matches = 0) : out_(out), start_(out.size()) {
    out_.resize(start_ + 2048 + 512 * matches);  // From operator new, so aligned for any header.
  }
  char* data() { return out_.data() + start_; }
  void finish(const nlmsghdr* header) { out_.resize(start_ + MNL_ALIGN(header->nlmsg_len)); }

 private:
  std::string& out_;
  size_t start_;
};

nlmsghdr* begin_message(MessageBuffer& buffer, uint16_t type, uint8_t family, uint16_t flags,
                        uint32_t sequence) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  header->nlmsg_seq = sequence;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = family;
  generic->version = NFNETLINK_V0;
  generic->res_id = 0;
  return header;
}

nlmsghdr* begin_nft(MessageBuffer& buffer, int type, uint16_t flags, uint32_t sequence) {
  const auto full_type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8U | type);
  return begin_message(buffer, full_type, NFPROTO_IPV4, flags, sequence);
}

uint32_t hook_number(Hook hook) {
  switch (hook) {
    case Hook::prerouting:
      return NF_INET_PRE_ROUTING;
    case Hook::input:
      return NF_INET_LOCAL_IN;
    case Hook::forward:
      return NF_INET_FORWARD;
    case Hook::output:
      return NF_INET_LOCAL_OUT;
    case Hook::postrouting:
      return NF_INET_POST_ROUTING;
  }
  return 0;
}

void put_chain(nlmsghdr* header, const Change& change, const EncodeOptions& options) {
  mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, change.table.c_str());
  mnl_attr_put_strz(header, NFTA_CHAIN_NAME, change.chain.c_str());
  if (change.kind == ChangeKind::delete_chain) return;
  if (change.base) {
    nlattr* hook = mnl_attr_nest_start(header, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(header, NFTA_HOOK_HOOKNUM, htonl(hook_number(change.base->hook)));
    mnl_attr_put_u32(header, NFTA_HOOK_PRIORITY,
                     htonl(static_cast<uint32_t>(change.base->priority)));
    mnl_attr_nest_end(header, hook);
    mnl_attr_put_u32(header, NFTA_CHAIN_POLICY, htonl(change.base->accept ? NF_ACCEPT : NF_DROP));
    mnl_attr_put_strz(header, NFTA_CHAIN_TYPE, change.base->type.c_str());
    return;  // Built-in chains are everybody's.
  }
  const std::string mark = encode_user_data({options.owner, 0}, {});
  mnl_attr_put(header, NFTA_CHAIN_USERDATA, mark.size(), mark.data());
}

Result<void> append_new_rule(std::string& out, const Change& change, uint32_t sequence,
                             const EncodeOptions& options) {
  const Rule& wanted = change.rule.value();
  std::string comment;
  auto built = build_expressions(wanted, {options.compact_comments, options.set_index}, &comment);
  // The rule's text is only made when it is needed: this runs tens of thousands of times.
  if (!built) {
    return std::move(built).error().context(str("rule \"", rule_line(change.chain, wanted), "\""));
  }
  const NftnlRule rule = *std::move(built);
  const std::string mark = encode_user_data({options.owner, rule_hash(rule_spec(wanted))}, comment);
  nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, NFPROTO_IPV4);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, change.table.c_str());
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, change.chain.c_str());
  nftnl_rule_set_data(rule.get(), NFTNL_RULE_USERDATA, mark.data(),
                      static_cast<uint32_t>(mark.size()));
  uint16_t flags = NLM_F_CREATE;
  if (change.handle != 0) {
    nftnl_rule_set_u64(rule.get(), NFTNL_RULE_POSITION, change.handle);  // Before this one.
  } else {
    flags |= NLM_F_APPEND;
  }
  MessageBuffer buffer(out, wanted.matches.size());
  nlmsghdr* header = begin_nft(buffer, NFT_MSG_NEWRULE, flags, sequence);
  nftnl_rule_nlmsg_build_payload(header, rule.get());
  buffer.finish(header);
  return {};
}

void put_rule_key(nlmsghdr* header, const Change& change) {
  mnl_attr_put_strz(header, NFTA_RULE_TABLE, change.table.c_str());
  mnl_attr_put_strz(header, NFTA_RULE_CHAIN, change.chain.c_str());
  if (change.kind == ChangeKind::delete_rule) {
    mnl_attr_put_u64(header, NFTA_RULE_HANDLE, htobe64(change.handle));
  }
}

std::string encode_batch_edge(uint16_t type, uint32_t sequence) {
  std::string out;
  MessageBuffer buffer(out);
  nlmsghdr* header = begin_message(buffer, type, AF_UNSPEC, 0, sequence);
  static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(header))->res_id = htons(NFNL_SUBSYS_NFTABLES);
  buffer.finish(header);
  return out;
}

}  // namespace

Result<std::string> encode_change(const Change& change, uint32_t sequence,
                                  const EncodeOptions& options) {
  std::string out;
  HOP_CHECK(append_change(out, change, sequence, options));
  return out;
}

Result<void> append_change(std::string& out, const Change& change, uint32_t sequence,
                           const EncodeOptions& options) {
  if (change.kind == ChangeKind::add_rule) return append_new_rule(out, change, sequence, options);
  MessageBuffer buffer(out);
  nlmsghdr* header = nullptr;
  switch (change.kind) {
    case ChangeKind::add_table:
      header = begin_nft(buffer, NFT_MSG_NEWTABLE, NLM_F_CREATE, sequence);
      mnl_attr_put_strz(header, NFTA_TABLE_NAME, change.table.c_str());
      break;
    case ChangeKind::add_chain:
    case ChangeKind::delete_chain: {
      const bool add = change.kind == ChangeKind::add_chain;
      header = begin_nft(buffer, add ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN, add ? NLM_F_CREATE : 0,
                         sequence);
      put_chain(header, change, options);
      break;
    }
    case ChangeKind::add_rule:  // Done above.
    case ChangeKind::delete_rule:
    case ChangeKind::flush_chain:
      header = begin_nft(buffer, NFT_MSG_DELRULE, 0, sequence);
      put_rule_key(header, change);
      break;
  }
  buffer.finish(header);
  return {};
}

Result<std::string> rule_shape(const Rule& rule, const EncodeOptions& options) {
  EncodeOptions plain = options;
  plain.compact_comments = false;
  HOP_TRY(const std::string message,
          encode_change({ChangeKind::add_rule, "t", "c", {}, rule, 0, 0}, 0, plain));
  const auto body = message_body(std::as_bytes(std::span(message)), NFT_MSG_NEWRULE);
  return shape_of_expressions(find_attribute(body.value_or(Bytes{}), NFTA_RULE_EXPRESSIONS));
}

std::string encode_batch_begin(uint32_t sequence) {
  return encode_batch_edge(NFNL_MSG_BATCH_BEGIN, sequence);
}

std::string encode_batch_end(uint32_t sequence) {
  return encode_batch_edge(NFNL_MSG_BATCH_END, sequence);
}

void request_ack(std::span<char> message) {
  nlmsghdr header{};
  std::memcpy(&header, message.data(), sizeof header);
  header.nlmsg_flags |= NLM_F_ACK;
  std::memcpy(message.data(), &header, sizeof header);
}

}  // namespace hoplab::nft
