#pragma once

#include <memory>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/trace/packet.h"

namespace hoplab::trace {

/// A filter expression in tcpdump's language, the part learners use: `host`, `src`, `dst`, `net`,
/// `port`, `portrange`, `proto N|name`, `ip proto`, `ip`, `arp`, `icmp`, `tcp`, `udp`, `ip6`,
/// joined by `and`, `or`, `not` (`&&`, `||`, `!`) and parentheses; `and` may be left out between
/// qualifiers as in `tcp port 80`. An empty text matches everything. `and` and `or` bind equally,
/// from left to right, as in pcap-filter(7). Immutable; any thread.
class PacketFilter {
 public:
  /// `invalid` names the word that is not understood.
  static Result<PacketFilter> parse(std::string_view text);

  [[nodiscard]] bool matches(Bytes frame, bool ethernet) const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;  ///< Null matches everything.
};

}  // namespace hoplab::trace
