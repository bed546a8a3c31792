#include "runtime/nft/xt_info.h"

#include <arpa/inet.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_LOG.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_recent.h>
#include <linux/netfilter/xt_rpfilter.h>
#include <linux/netfilter/xt_set.h>
#include <linux/netfilter/xt_statistic.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/text.h"

namespace hoplab::nft {

namespace {

template <typename Struct>
XtInfo pack(const char* name, uint32_t revision, const Struct& info, bool target = false) {
  XtInfo out{name, revision, target, std::vector<uint8_t>((sizeof info + 7U) & ~size_t{7})};
  std::memcpy(out.bytes.data(), &info, sizeof info);
  return out;
}

/// Copies into a fixed char array; check_limits has made sure that it fits with its zero byte.
template <size_t size>
void put_text(char (&field)[size], const std::string& text) {  // NOLINT: the kernel's arrays
  std::memcpy(field, text.data(), std::min(text.size(), size - 1));
}

struct MatchPacker {
  uint8_t protocol_number;

  XtInfo operator()(const PortMatch& /*any*/) const {
    if (protocol_number == protocol::tcp) {
      xt_tcp info{};
      info.spts[1] = info.dpts[1] = 0xffff;
      return pack("tcp", 0, info);
    }
    xt_udp info{};
    info.spts[1] = info.dpts[1] = 0xffff;
    return pack("udp", 0, info);
  }
  XtInfo operator()(const MultiportMatch& m) const {
    xt_multiport_v1 info{};
    info.flags = m.source ? XT_MULTIPORT_SOURCE : XT_MULTIPORT_DESTINATION;
    info.invert = m.negated ? 1 : 0;
    for (const PortRange& range : m.ports) {
      info.ports[info.count] = range.first;
      if (range.last != range.first) {
        info.pflags[info.count++] = 1;
        info.ports[info.count] = range.last;
      }
      ++info.count;
    }
    return pack("multiport", 1, info);
  }
  XtInfo operator()(const IcmpMatch& m) const {
    ipt_icmp info{};
    info.type = m.type;
    info.code[0] = m.code.value_or(0);
    info.code[1] = m.code.value_or(0xff);
    return pack("icmp", 0, info);
  }
  XtInfo operator()(const CommentMatch& m) const {
    xt_comment_info info{};
    put_text(info.comment, m.text);
    return pack("comment", 0, info);
  }
  XtInfo operator()(const MarkMatch& m) const {
    xt_mark_mtinfo1 info{};
    info.mark = m.value;
    info.mask = m.mask;
    info.invert = m.negated ? 1 : 0;
    return pack("mark", 1, info);
  }
  XtInfo operator()(const StateMatch& m) const {
    using namespace conntrack_state;  // NOLINT: short names in one small table
    uint16_t mask = 0;
    if ((m.states & invalid) != 0) mask |= XT_CONNTRACK_STATE_INVALID;
    if ((m.states & new_) != 0) mask |= XT_CONNTRACK_STATE_BIT(IP_CT_NEW);
    if ((m.states & related) != 0) mask |= XT_CONNTRACK_STATE_BIT(IP_CT_RELATED);
    if ((m.states & established) != 0) mask |= XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED);
    if ((m.states & untracked) != 0) mask |= XT_CONNTRACK_STATE_UNTRACKED;
    if ((m.states & snat) != 0) mask |= XT_CONNTRACK_STATE_SNAT;
    if ((m.states & dnat) != 0) mask |= XT_CONNTRACK_STATE_DNAT;
    xt_conntrack_mtinfo3 info{};
    info.match_flags = XT_CONNTRACK_STATE;
    info.invert_flags = m.negated ? XT_CONNTRACK_STATE : 0;
    info.state_mask = mask;
    return pack("conntrack", 3, info);
  }
  XtInfo operator()(const LocalAddressMatch& m) const {
    xt_addrtype_info_v1 info{};
    (m.source ? info.source : info.dest) = XT_ADDRTYPE_LOCAL;
    if (m.negated) info.flags |= m.source ? XT_ADDRTYPE_INVERT_SOURCE : XT_ADDRTYPE_INVERT_DEST;
    if (m.limit_to_out_interface) info.flags |= XT_ADDRTYPE_LIMIT_IFACE_OUT;
    return pack("addrtype", 1, info);
  }
  XtInfo operator()(const RandomMatch& m) const {
    xt_statistic_info info{};
    info.mode = XT_STATISTIC_MODE_RANDOM;
    info.u.random.probability = m.threshold;
    info.u.nth.count = m.threshold;  // iptables leaves it there too; the kernel does not read it.
    return pack("statistic", 0, info);
  }
  XtInfo operator()(const RecentMatch& m) const {
    xt_recent_mtinfo_v1 info{};
    info.check_set = m.set ? XT_RECENT_SET : XT_RECENT_CHECK;
    if (m.reap) info.check_set |= XT_RECENT_REAP;
    info.seconds = m.seconds;
    info.side = XT_RECENT_SOURCE;
    std::memset(&info.mask, 0xff, sizeof info.mask);
    put_text(info.name, m.name);
    return pack("recent", 1, info);
  }
  XtInfo operator()(const SetMatch& m) const { return xt_set(m, 0); }
  XtInfo operator()(const ReversePathMatch& m) const {
    xt_rpfilter_info info{};
    if (m.valid_mark) info.flags |= XT_RPFILTER_VALID_MARK;
    if (m.invert) info.flags |= XT_RPFILTER_INVERT;
    return pack("rpfilter", 0, info);
  }
};

XtInfo pack_dnat(const Dnat& t) {
  nf_nat_range2 info{};
  info.flags = NF_NAT_RANGE_MAP_IPS;
  info.min_addr.ip = info.max_addr.ip = t.ip.network_order();
  if (t.port != 0) {
    info.flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
    info.min_proto.all = info.max_proto.all = htons(t.port);
  }
  return pack("DNAT", 2, info, true);
}

XtInfo pack_masquerade(const Masquerade& t) {
  nf_nat_ipv4_multi_range_compat info{};
  info.rangesize = 1;
  info.range[0].flags = t.random_fully ? NF_NAT_RANGE_PROTO_RANDOM_FULLY : 0;
  return pack("MASQUERADE", 0, info, true);
}

Error too_long(std::string_view what, const std::string& text, size_t limit) {
  return {ErrorCode::invalid,
          str(what, " \"", text, "\" is longer than ", limit, " bytes, the kernel's limit")};
}

Result<void> check_match(const Rule& rule, const Match& match) {
  const uint8_t proto = rule.protocol && !rule.protocol->negated ? rule.protocol->number : 0;
  if (const auto* m = std::get_if<CommentMatch>(&match)) {
    if (m->text.size() > 255) return too_long("comment", m->text, 255);
  } else if (const auto* recent = std::get_if<RecentMatch>(&match)) {
    if (recent->name.size() > 31) return too_long("recent list", recent->name, 31);
  } else if (const auto* set = std::get_if<SetMatch>(&match)) {
    if (set->name.size() > 31) return too_long("ipset", set->name, 31);
    if (set->directions.empty() || set->directions.size() > IPSET_DIM_MAX) {
      return Error(ErrorCode::invalid, str("set match ", set->name, ": one to six directions"));
    }
  } else if (const auto* multi = std::get_if<MultiportMatch>(&match)) {
    size_t slots = 0;
    for (const PortRange& range : multi->ports) slots += range.first == range.last ? 1 : 2;
    if (slots == 0 || slots > XT_MULTI_PORTS) {
      return Error(ErrorCode::invalid, "multiport match: 1 to 15 ports, a range counts as two");
    }
  } else if (std::holds_alternative<PortMatch>(match) && proto != protocol::tcp &&
             proto != protocol::udp) {
    return Error(ErrorCode::invalid, "a port match needs protocol tcp or udp in the same rule");
  } else if (std::holds_alternative<IcmpMatch>(match) && proto != protocol::icmp) {
    return Error(ErrorCode::invalid, "an icmp match needs protocol icmp in the same rule");
  }
  return {};
}

}  // namespace

XtInfo xt_match(const Match& match, uint8_t protocol_number) {
  return std::visit(MatchPacker{protocol_number}, match);
}

XtInfo xt_set(const SetMatch& match, uint16_t index) {
  xt_set_info_match_v4 info{};
  info.match_set.index = index;
  for (SetDirection direction : match.directions) {
    ++info.match_set.dim;
    if (direction == SetDirection::source) {
      info.match_set.flags |= static_cast<uint8_t>(1U << info.match_set.dim);
    }
  }
  if (match.negated) info.match_set.flags |= IPSET_INV_MATCH;
  return pack("set", 4, info);
}

XtInfo xt_target(const Target& target) {
  if (const auto* dnat = std::get_if<Dnat>(&target)) return pack_dnat(*dnat);
  if (const auto* masq = std::get_if<Masquerade>(&target)) return pack_masquerade(*masq);
  if (const auto* mark = std::get_if<SetMark>(&target)) {
    return pack("MARK", 2, xt_mark_tginfo2{mark->value, mark->mask}, true);
  }
  if (const auto* log = std::get_if<LogTarget>(&target)) {
    xt_log_info info{};
    info.level = log->level;
    put_text(info.prefix, log->prefix);
    return pack("LOG", 0, info, true);
  }
  ipt_reject_info info{};
  const auto* reject = std::get_if<Reject>(&target);
  const bool reset = reject != nullptr && reject->tcp_reset;
  info.with = reset ? IPT_TCP_RESET : IPT_ICMP_PORT_UNREACHABLE;
  return pack("REJECT", 0, info, true);
}

Result<void> check_limits(const Rule& rule) {
  for (const auto* side : {&rule.in, &rule.out}) {
    if (*side && (*side)->name.size() > 15) return too_long("interface", (*side)->name, 15);
  }
  for (const Match& match : rule.matches) HOP_CHECK(check_match(rule, match));
  if (const auto* jump = std::get_if<Jump>(&rule.target); jump && jump->chain.size() > 28) {
    return too_long("chain", jump->chain, 28);
  }
  if (const auto* log = std::get_if<LogTarget>(&rule.target); log && log->prefix.size() > 29) {
    return too_long("log prefix", log->prefix, 29);
  }
  return {};
}

}  // namespace hoplab::nft
