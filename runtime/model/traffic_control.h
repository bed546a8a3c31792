#pragma once

#include <cstdint>
#include <string>

namespace hoplab {

/// Where a clsact queueing discipline lets programs look at a link's packets.
enum class TrafficHook { ingress, egress };

/// An eBPF program as a filter in direct-action mode on a link that has a clsact qdisc: what it
/// returns is what happens to the packet. Preference and handle say which filter it is, so adding
/// one twice replaces it, in one step and without a packet lost.
struct BpfFilter {
  std::string link;
  TrafficHook hook = TrafficHook::ingress;
  uint16_t preference = 1;  ///< Lower ones see the packet first.
  uint32_t handle = 1;
  std::string program;  ///< Its name, as `tc filter show` prints it.

  // Read from the kernel only.
  uint64_t tag = 0;  ///< Hash of the program's instructions.
  uint32_t id = 0;   ///< As `bpftool prog` counts.
  bool operator==(const BpfFilter&) const = default;
};

/// A queueing discipline as the kernel lists it.
struct Qdisc {
  std::string link;
  std::string kind;    ///< "noqueue", "clsact", …
  uint64_t drops = 0;  ///< Packets it (or a filter on it) threw away.
  bool operator==(const Qdisc&) const = default;
};

}  // namespace hoplab
