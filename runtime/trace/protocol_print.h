#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/trace/packet.h"

namespace hoplab::trace {

inline constexpr uint8_t tcp_fin = 1, tcp_syn = 2, tcp_rst = 4, tcp_psh = 8, tcp_ack = 16,
                         tcp_urg = 32, tcp_ece = 64, tcp_cwr = 128;

struct TcpSegment {
  uint16_t source_port = 0, destination_port = 0, window = 0, checksum = 0, urgent = 0;
  uint32_t sequence = 0, acknowledgment = 0;
  uint8_t flags = 0;
  Bytes options;
  Bytes payload;
};

/// "TCP", "UDP", "ICMP", "IPIP", …; "unknown" for others.
std::string protocol_name(uint8_t protocol);
std::optional<TcpSegment> read_tcp(Bytes bytes);

/// What sequence numbers are printed relative to; 0 prints them whole.
struct TcpBases {
  uint32_t sequence = 0;
  uint32_t acknowledgment = 0;
  uint32_t selective = 0;  ///< Of the sack option.
};

// In tcpdump's words, without the hosts in front (UDP has them: its ports belong to them).
std::string print_icmp(Bytes message, size_t length);
/// The start of the packet that an ICMP error is about; empty for other messages.
Bytes quoted_packet(Bytes message);
std::string print_udp(const Ipv4Header& ip, bool verbose);
std::string print_tcp_segment(const Ipv4Header& ip, const TcpSegment& segment,
                              const TcpBases& bases, bool verbose);
/// The first line of an HTTP message, with -v its text; just "HTTP" when it is none.
std::string print_http(Bytes payload, bool verbose);
/// The ones' complement sum over a TCP or UDP packet and its pseudo header: 0 = correct.
uint16_t transport_checksum(const Ipv4Header& ip);
uint16_t checksum(Bytes bytes, uint32_t start = 0);
/// What a checksum field should hold, given what it holds and the sum over everything.
uint16_t right_checksum(uint16_t field, uint16_t sum);

/// A DNS message: "4660+ A? google.com. (28)".
std::string print_dns(Bytes bytes, bool verbose);

}  // namespace hoplab::trace
