#pragma once

#include <map>
#include <string>

#include "runtime/trace/packet.h"

namespace hoplab::trace {

struct PrintOptions {
  bool link_header = false;  ///< -e: MAC addresses and ethertype in front.
  bool verbose = false;      ///< -v: TTL, id, flags, protocol and length of the IP header.
  bool absolute = false;     ///< -S: whole TCP sequence numbers.
  bool ascii = false;        ///< -A: the packet's bytes as text.
  bool hex = false;          ///< -X: the packet's bytes in hex and as text.
};

/// Prints frames in tcpdump 4.99's words with -n: addresses and ports as numbers; what it does not
/// know (IPv6, STP, …) in fewer words. Remembers the first sequence numbers of TCP connections to
/// print relative ones, as tcpdump does.
class PacketPrinter {
 public:
  explicit PacketPrinter(PrintOptions options = {}) : options_(options) {}

  /// A whole Ethernet frame, or an IP packet where `ethernet` is false (a TUN device).
  /// `wire_length` is its length on the wire, which may be more than was captured. No time stamp,
  /// no newline.
  std::string print(Bytes frame, bool ethernet, size_t wire_length);

 private:
  std::string print_frame(Bytes frame, bool ethernet, size_t wire_length);
  /// `depth`: how many packets this one lies in.
  std::string print_ip(Bytes bytes, int depth = 0);
  std::string print_icmp_packet(const Ipv4Header& ip, int depth);
  std::string print_tcp(const Ipv4Header& ip);
  std::string print_payload(uint16_t type, Bytes bytes, size_t wire_length);

  PrintOptions options_;
  /// "src.port > dst.port" of the first packet seen to the first numbers of both directions.
  std::map<std::string, std::pair<uint32_t, uint32_t>> conversations_;
};

/// "13:27:02.341491" of a wall-clock time in nanoseconds since 1970, local time.
std::string print_time(int64_t nanoseconds);
/// "2026-11-25", local time; "1795572822.341491"; a span as "00:00:01.000000".
std::string print_date(int64_t nanoseconds);
std::string print_seconds(int64_t nanoseconds);
std::string print_span(int64_t nanoseconds);

}  // namespace hoplab::trace
