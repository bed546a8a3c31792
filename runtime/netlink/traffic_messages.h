#pragma once

#include <optional>

#include "runtime/model/traffic_control.h"
#include "runtime/netlink/messages.h"
#include "runtime/netlink/parse.h"

// Inside runtime/netlink only: traffic control as bytes and back. Pure.

namespace hoplab {

Result<MessageBytes> build_clsact(int32_t link);
/// With the descriptor of the loaded program.
Result<MessageBytes> build_filter_replace(const BpfFilter& filter, int32_t link, int program);
Result<MessageBytes> build_filter_delete(const BpfFilter& filter, int32_t link);
MessageBytes build_filter_dump(int32_t link, TrafficHook hook);
MessageBytes build_qdisc_dump();

/// RTM_NEWTFILTER or RTM_DELTFILTER; nullopt for other kinds than bpf.
std::optional<BpfFilter> parse_bpf_filter(const nlmsghdr& message, const LinkNames& names);
/// RTM_NEWQDISC or RTM_DELQDISC.
std::optional<Qdisc> parse_qdisc(const nlmsghdr& message, const LinkNames& names);

}  // namespace hoplab
