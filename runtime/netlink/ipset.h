#pragma once

#include <span>
#include <vector>

#include "runtime/model/ipset.h"
#include "runtime/netlink/apply.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

// Both take a socket of `NetlinkSocket::Family::netfilter`, work in its namespace and need
// CAP_NET_ADMIN there. A kernel without ipset answers EINVAL.

/// The sets of this namespace that are hash:net or hash:ip for IPv4; others are left out.
Result<std::vector<IpSet>> dump_ipsets(NetlinkSocket& socket);

/// Applies the operations in order, at most 100 to a send. Creating what exists with the same type,
/// adding what is in and removing what is not in succeed. Destroying a set that a rule still uses
/// fails. Nothing more is sent after a batch with a failure.
ApplyReport apply_ipset_operations(NetlinkSocket& socket,
                                   std::span<const IpSetOperation> operations);

}  // namespace hoplab
