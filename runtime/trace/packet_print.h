#pragma once

#include <map>
#include <string>

#include "runtime/trace/packet.h"

namespace hoplab::trace {

struct PrintOptions {
  bool link_header = false;  ///< -e: MAC addresses and ethertype in front.
  bool verbose = false;      ///< -v: TTL, id, flags, protocol and length of the IP header.
};

/// Prints frames in tcpdump 4.99's words with -n: addresses and ports as numbers. Remembers the
/// first sequence numbers of TCP connections to print relative ones, as tcpdump does.
class PacketPrinter {
 public:
  explicit PacketPrinter(PrintOptions options = {}) : options_(options) {}

  /// A whole Ethernet frame, or an IP packet where `ethernet` is false (a TUN device).
  /// `wire_length` is its length on the wire, which may be more than was captured. No time stamp,
  /// no newline.
  std::string print(Bytes frame, bool ethernet, size_t wire_length);

 private:
  std::string print_ip(Bytes bytes, bool inner);
  std::string print_tcp(const Ipv4Header& ip);
  std::string print_payload(uint16_t type, Bytes bytes, size_t wire_length);

  PrintOptions options_;
  std::map<std::string, uint32_t> first_sequence_;  ///< "src.port > dst.port" to its first number.
};

/// "13:27:02.341491" of a wall-clock time in nanoseconds since 1970, local time.
std::string print_time(int64_t nanoseconds);

}  // namespace hoplab::trace
