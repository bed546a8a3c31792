#include "runtime/netlink/traffic_messages.h"

#include <arpa/inet.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "runtime/netlink/attributes.h"
#include "runtime/netlink/builder.h"

namespace hoplab {
namespace {

constexpr uint32_t parent_of(TrafficHook hook) {
  const uint32_t minor = hook == TrafficHook::ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
  return TC_H_MAKE(uint32_t{TC_H_CLSACT}, minor);
}

tcmsg filter_header(const BpfFilter& filter, int32_t link) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = link;
  header.tcm_handle = filter.handle;
  header.tcm_parent = parent_of(filter.hook);
  header.tcm_info = TC_H_MAKE(uint32_t{filter.preference} << 16U, uint32_t{htons(ETH_P_IP)});
  return header;
}

}  // namespace

Result<MessageBytes> build_clsact(int32_t link) {
  MessageBuilder builder(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  tcmsg header{};
  header.tcm_ifindex = link;
  header.tcm_handle = TC_H_MAKE(uint32_t{TC_H_CLSACT}, 0U);
  header.tcm_parent = TC_H_CLSACT;
  builder.header(header);
  builder.string(TCA_KIND, "clsact");
  return builder.finish();
}

Result<MessageBytes> build_filter_replace(const BpfFilter& filter, int32_t link, int program) {
  MessageBuilder builder(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  builder.header(filter_header(filter, link));
  builder.string(TCA_KIND, "bpf");
  builder.nested(TCA_OPTIONS, [&] {
    builder.u32(TCA_BPF_FD, static_cast<uint32_t>(program));
    builder.string(TCA_BPF_NAME, filter.program);
    builder.u32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
  });
  return builder.finish();
}

Result<MessageBytes> build_filter_delete(const BpfFilter& filter, int32_t link) {
  MessageBuilder builder(RTM_DELTFILTER, NLM_F_ACK);
  builder.header(filter_header(filter, link));
  builder.string(TCA_KIND, "bpf");
  return builder.finish();
}

MessageBytes build_filter_dump(int32_t link, TrafficHook hook) {
  MessageBuilder builder(RTM_GETTFILTER, NLM_F_DUMP);
  tcmsg header{};
  header.tcm_ifindex = link;
  header.tcm_parent = parent_of(hook);
  builder.header(header);
  return builder.finish().value();
}

MessageBytes build_qdisc_dump() {
  MessageBuilder builder(RTM_GETQDISC, NLM_F_DUMP);
  builder.header(tcmsg{});
  return builder.finish().value();
}

std::optional<BpfFilter> parse_bpf_filter(const nlmsghdr& message, const LinkNames& names) {
  const auto header = fixed_part<tcmsg>(message);
  // A message without a handle is about the list that the filters of one preference make.
  if (!header || header->tcm_handle == 0) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *header);
  if (attributes.string(TCA_KIND) != "bpf") return std::nullopt;
  const auto options = attributes.nested(TCA_OPTIONS);
  BpfFilter out;
  out.link = names(header->tcm_ifindex);
  out.hook = header->tcm_parent == parent_of(TrafficHook::egress) ? TrafficHook::egress
                                                                  : TrafficHook::ingress;
  out.preference = static_cast<uint16_t>(header->tcm_info >> 16U);
  out.handle = header->tcm_handle;
  out.program = options.string(TCA_BPF_NAME);
  out.tag = options.get<uint64_t>(TCA_BPF_TAG).value_or(0);
  out.id = options.get<uint32_t>(TCA_BPF_ID).value_or(0);
  return out;
}

std::optional<Qdisc> parse_qdisc(const nlmsghdr& message, const LinkNames& names) {
  const auto header = fixed_part<tcmsg>(message);
  if (!header) return std::nullopt;
  const auto attributes = Attributes::of_message(message, sizeof *header);
  Qdisc out;
  out.link = names(header->tcm_ifindex);
  out.kind = attributes.string(TCA_KIND);
  const auto queue = attributes.nested(TCA_STATS2).get<gnet_stats_queue>(TCA_STATS_QUEUE);
  if (queue) out.drops = queue->drops;
  return out;
}

}  // namespace hoplab
