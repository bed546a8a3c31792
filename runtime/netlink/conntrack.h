#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/model/conntrack.h"
#include "runtime/netlink/socket.h"

namespace hoplab {

/// Which entries to delete: those that fit every member that is set.
struct ConntrackFilter {
  std::optional<uint8_t> protocol;
  std::optional<Ipv4> original_destination;  ///< E.g. the service's address.
  std::optional<uint16_t> original_destination_port;
  std::optional<Ipv4> reply_source;  ///< E.g. the endpoint that is gone.
  std::optional<uint16_t> reply_source_port;
  std::optional<Ipv4> any_address;  ///< Source or destination of either direction: a pod's address.

  [[nodiscard]] bool matches(const ConntrackEntry& entry) const;
};

// Both take a socket of `NetlinkSocket::Family::netfilter`, work in its namespace and need
// CAP_NET_ADMIN there. A kernel without conntrack netlink gives the socket's error (EINVAL).

Result<std::vector<ConntrackEntry>> dump_conntrack(NetlinkSocket& socket);

/// Deletes the entries that fit any of the filters, in one pass over the table; returns how many.
/// Why it is needed: NAT is decided at a flow's first packet, so a UDP client keeps talking to a
/// removed endpoint, and a new pod would inherit the flows of its address's last owner
/// (facts/calico.md 8). An entry that expires meanwhile is not an error and not counted.
Result<size_t> delete_conntrack(NetlinkSocket& socket, const std::vector<ConntrackFilter>& filters);

}  // namespace hoplab
