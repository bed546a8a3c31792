#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/model/conntrack.h"
#include "runtime/model/ipset.h"
#include "runtime/model/link.h"
#include "runtime/model/route.h"
#include "runtime/netlink/socket.h"

// Inside runtime/netlink only: kernel messages -> values. Pure; lengths in the messages are not
// trusted; unknown attributes are skipped.

namespace hoplab {

/// Name of a link by index; messages carry indexes, values carry names.
using LinkNames = std::function<std::string(int32_t index)>;

/// NLMSG_ERROR or NLMSG_DONE: the errno and the kernel's words; EBADMSG when it is cut short.
NetlinkAck read_ack(const nlmsghdr& message);

/// RTM_NEWLINK or RTM_DELLINK.
std::optional<Link> parse_link(const nlmsghdr& message, const LinkNames& names);
/// RTM_NEWADDR or RTM_DELADDR; nullopt for other families than IPv4.
std::optional<Address> parse_address(const nlmsghdr& message, const LinkNames& names);
/// RTM_NEWROUTE or RTM_DELROUTE: one value per next hop; none for other families and for routes
/// cloned into a cache.
std::vector<Route> parse_routes(const nlmsghdr& message, const LinkNames& names);
/// RTM_NEWNEIGH or RTM_DELNEIGH; nullopt for other families and NOARP entries.
std::optional<Neighbor> parse_neighbor(const nlmsghdr& message, const LinkNames& names);

/// An entry of the connection tracking table (ctnetlink); nullopt for other families.
std::optional<ConntrackEntry> parse_conntrack(const nlmsghdr& message);

/// A part of one ipset's listing: the first part has its type and size, all have members. nullopt
/// for types we do not use.
std::optional<IpSet> parse_ipset(const nlmsghdr& message);

}  // namespace hoplab
