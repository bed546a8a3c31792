#include "runtime/nft/expressions.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdlib>
#include <cstring>

#include "runtime/base/text.h"
#include "runtime/nft/xt_info.h"

namespace hoplab::nft {

namespace {

constexpr uint32_t ip_source_offset = 12;
constexpr uint32_t ip_destination_offset = 16;

/// Appends expressions to one rule. libnftnl aborts nowhere: running out of memory ends us anyway.
class Writer {
 public:
  Writer() : rule_(nftnl_rule_alloc()) {}

  NftnlRule take() { return std::move(rule_); }
  nftnl_rule* rule() { return rule_.get(); }

  nftnl_expr* add(const char* name) {
    nftnl_expr* expr = nftnl_expr_alloc(name);
    nftnl_rule_add_expr(rule_.get(), expr);
    return expr;
  }
  void meta(uint32_t key) {
    nftnl_expr* expr = add("meta");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
  }
  void payload(uint32_t base, uint32_t offset, uint32_t length) {
    nftnl_expr* expr = add("payload");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, length);
  }
  void compare(bool negated, const void* data, size_t length) {
    nftnl_expr* expr = add("cmp");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, negated ? NFT_CMP_NEQ : NFT_CMP_EQ);
    nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, static_cast<uint32_t>(length));
  }
  void mask(uint32_t mask) {
    const uint32_t zero = 0;
    nftnl_expr* expr = add("bitwise");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, sizeof mask);
    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof mask);
    nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof zero);
  }
  void range(bool negated, PortRange ports) {
    const uint16_t first = htons(ports.first);
    const uint16_t last = htons(ports.last);
    nftnl_expr* expr = add("range");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_RANGE_OP, negated ? NFT_RANGE_NEQ : NFT_RANGE_EQ);
    nftnl_expr_set(expr, NFTNL_EXPR_RANGE_FROM_DATA, &first, sizeof first);
    nftnl_expr_set(expr, NFTNL_EXPR_RANGE_TO_DATA, &last, sizeof last);
  }
  void verdict(int32_t code, const std::string* chain = nullptr) {
    nftnl_expr* expr = add("immediate");
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, static_cast<uint32_t>(code));
    if (chain != nullptr) nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, chain->c_str());
  }
  void extension(const XtInfo& info) {
    // libnftnl frees the info bytes with the expression.
    void* bytes = std::malloc(info.bytes.size());
    std::memcpy(bytes, info.bytes.data(), info.bytes.size());
    const auto size = static_cast<uint32_t>(info.bytes.size());
    nftnl_expr* expr = add(info.target ? "target" : "match");
    if (info.target) {
      nftnl_expr_set_str(expr, NFTNL_EXPR_TG_NAME, info.name);
      nftnl_expr_set_u32(expr, NFTNL_EXPR_TG_REV, info.revision);
      nftnl_expr_set(expr, NFTNL_EXPR_TG_INFO, bytes, size);
    } else {
      nftnl_expr_set_str(expr, NFTNL_EXPR_MT_NAME, info.name);
      nftnl_expr_set_u32(expr, NFTNL_EXPR_MT_REV, info.revision);
      nftnl_expr_set(expr, NFTNL_EXPR_MT_INFO, bytes, size);
    }
  }

 private:
  NftnlRule rule_;
};

void write_interface(Writer& writer, const InterfaceMatch& match, uint32_t key) {
  const bool wildcard = match.name.ends_with('+');
  const size_t length = wildcard ? match.name.size() - 1 : match.name.size() + 1;
  if (length == 0) return;  // "+" matches every interface.
  writer.meta(key);
  writer.compare(match.negated, match.name.c_str(), length);
}

/// A /8, /16 or /24 is a comparison of fewer bytes; others are masked: as iptables-nft does it.
void write_address(Writer& writer, const AddressMatch& match, uint32_t offset) {
  const Prefix& prefix = match.prefix;
  if (prefix.length() == 0 && !match.negated) return;
  const uint32_t network = prefix.network().network_order();
  const bool whole_bytes = prefix.length() % 8 == 0 && prefix.length() != 0;
  const size_t length = whole_bytes ? prefix.length() / 8U : 4U;
  writer.payload(NFT_PAYLOAD_NETWORK_HEADER, offset, static_cast<uint32_t>(length));
  if (!whole_bytes) writer.mask(htonl(prefix.mask()));
  writer.compare(match.negated, &network, length);
}

void write_fixed_part(Writer& writer, const Rule& rule) {
  if (rule.in) write_interface(writer, *rule.in, NFT_META_IIFNAME);
  if (rule.out) write_interface(writer, *rule.out, NFT_META_OIFNAME);
  if (rule.protocol) {
    writer.meta(NFT_META_L4PROTO);
    writer.compare(rule.protocol->negated, &rule.protocol->number, 1);
    // Extensions that belong to a protocol (-m tcp) ask for this.
    nftnl_rule_set_u32(writer.rule(), NFTNL_RULE_COMPAT_PROTO, rule.protocol->number);
    nftnl_rule_set_u32(writer.rule(), NFTNL_RULE_COMPAT_FLAGS,
                       rule.protocol->negated ? NFT_RULE_COMPAT_F_INV : 0);
  }
  if (rule.source) write_address(writer, *rule.source, ip_source_offset);
  if (rule.destination) write_address(writer, *rule.destination, ip_destination_offset);
}

void write_port(Writer& writer, const std::optional<PortTest>& test, uint32_t offset) {
  if (!test) return;
  writer.payload(NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2);
  if (test->ports.first != test->ports.last) return writer.range(test->negated, test->ports);
  const uint16_t port = htons(test->ports.first);
  writer.compare(test->negated, &port, sizeof port);
}

void write_mark(Writer& writer, const MarkMatch& match) {
  writer.meta(NFT_META_MARK);
  if (match.mask != 0xffffffff) writer.mask(match.mask);
  writer.compare(match.negated, &match.value, sizeof match.value);
}

/// Ports and marks have native expressions that iptables reads; everything else must be an xtables
/// extension, or iptables declares the whole table incompatible.
Result<void> write_match(Writer& writer, const Rule& rule, const Match& match,
                         const BuildOptions& options) {
  if (const auto* mark = std::get_if<MarkMatch>(&match)) {
    write_mark(writer, *mark);
    return {};
  }
  const auto* ports = std::get_if<PortMatch>(&match);
  if (ports != nullptr && (ports->source || ports->destination)) {
    write_port(writer, ports->source, 0);
    write_port(writer, ports->destination, 2);
    return {};
  }
  if (const auto* set = std::get_if<SetMatch>(&match)) {
    if (!options.set_index) return Error(ErrorCode::internal, "no way to look up ipsets");
    HOP_TRY(const uint16_t index, options.set_index(set->name));
    writer.extension(xt_set(*set, index));
    return {};
  }
  writer.extension(xt_match(match, rule.protocol ? rule.protocol->number : 0));
  return {};
}

void write_trace(Writer& writer) {
  const uint8_t on = 1;
  nftnl_expr* value = writer.add("immediate");
  nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, NFT_REG32_01);
  nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, &on, sizeof on);
  nftnl_expr* meta = writer.add("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, NFT_REG32_01);
}

void write_target(Writer& writer, const Target& target) {
  if (std::holds_alternative<NoTarget>(target)) return;
  if (std::holds_alternative<Accept>(target)) return writer.verdict(NF_ACCEPT);
  if (std::holds_alternative<Drop>(target)) return writer.verdict(NF_DROP);
  if (std::holds_alternative<Return>(target)) return writer.verdict(NFT_RETURN);
  if (std::holds_alternative<Trace>(target)) return write_trace(writer);
  if (const auto* jump = std::get_if<Jump>(&target)) return writer.verdict(NFT_JUMP, &jump->chain);
  if (const auto* go = std::get_if<Goto>(&target)) return writer.verdict(NFT_GOTO, &go->chain);
  writer.extension(xt_target(target));
}

}  // namespace

Result<NftnlRule> build_expressions(const Rule& rule, const BuildOptions& options,
                                    std::string* comment) {
  HOP_CHECK(check_limits(rule));
  Writer writer;
  write_fixed_part(writer, rule);
  for (const Match& match : rule.matches) {
    const auto* text = std::get_if<CommentMatch>(&match);
    const bool last = &match == &rule.matches.back();
    if (text != nullptr && last && options.trailing_comment_in_user_data &&
        text->text.size() < max_user_data_comment) {
      *comment = text->text;
      continue;
    }
    HOP_CHECK(write_match(writer, rule, match, options));
  }
  writer.add("counter");
  write_target(writer, rule.target);
  return writer.take();
}

}  // namespace hoplab::nft
