#pragma once

#include <string>
#include <vector>

#include "runtime/model/traffic_control.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

// What `tc filter show` and `tc qdisc show` read, as values. Errors: the socket's.

/// The eBPF filters at a link's clsact hook, in the order in which packets meet them. Empty also
/// when the link has no clsact qdisc; `not_found` when there is no such link.
Result<std::vector<BpfFilter>> dump_bpf_filters(NetlinkSocket& socket, const std::string& link,
                                                TrafficHook hook);
/// Of all links in the socket's namespace.
Result<std::vector<Qdisc>> dump_qdiscs(NetlinkSocket& socket);

}  // namespace hoplab
