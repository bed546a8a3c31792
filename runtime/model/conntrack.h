#pragma once

#include <cstdint>

#include "runtime/base/ip.h"

namespace hoplab {

/// One direction of a tracked connection. Ports are 0 where the protocol has none.
struct ConntrackTuple {
  Ipv4 source, destination;
  uint16_t source_port = 0, destination_port = 0;
  auto operator<=>(const ConntrackTuple&) const = default;
};

/// A connection as the kernel tracks it, IPv4. The reply's tuple is what the answering packets
/// look like before translation: its source is the backend that DNAT chose.
struct ConntrackEntry {
  uint8_t protocol = 0;  ///< IPPROTO_UDP, …
  ConntrackTuple original;
  ConntrackTuple reply;
  uint32_t mark = 0;
  bool reply_seen = false;
  bool source_translated = false;       ///< SNAT.
  bool destination_translated = false;  ///< DNAT.
  auto operator<=>(const ConntrackEntry&) const = default;
};

}  // namespace hoplab
