#pragma once

#include <linux/netlink.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/netlink/parse.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

/// What `dump.h` has no value for, as text lines that can be compared: policy rules (`ip rule`) of
/// IPv4 and IPv6, IPv6 addresses and IPv6 routes. Attributes without a name here appear with their
/// number and bytes, so that no difference hides. Left out is what the kernel or a router changes
/// by itself: lifetimes, counters, states, and what router advertisements made.
Result<std::vector<std::string>> list_rules_and_ipv6(NetlinkSocket& socket);

/// The line of one message; nullopt when it is of another type or left out. Pure, for tests.
std::optional<std::string> listing_line(const nlmsghdr& message, const LinkNames& names);

}  // namespace hoplab
