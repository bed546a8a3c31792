#pragma once

#include <vector>

#include "runtime/model/link.h"
#include "runtime/model/route.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

// What the kernel has, as values, IPv4 only. Each call is one request in the socket's namespace; an
// answer disturbed by a change is asked for again. Errors: the socket's.

/// In the kernel's order, by index.
Result<std::vector<Link>> dump_links(NetlinkSocket& socket);
Result<std::vector<Address>> dump_addresses(NetlinkSocket& socket);

enum class RouteTables { main, all };
/// A route with several next hops appears once per next hop.
Result<std::vector<Route>> dump_routes(NetlinkSocket& socket,
                                       RouteTables tables = RouteTables::main);

/// Entries, then proxy entries; without NOARP ones (loopback, multicast), as `ip neigh` shows.
Result<std::vector<Neighbor>> dump_neighbors(NetlinkSocket& socket);

}  // namespace hoplab
