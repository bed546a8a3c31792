#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/trace/packet.h"

namespace hoplab::trace {

inline constexpr uint8_t tcp_fin = 1, tcp_syn = 2, tcp_rst = 4, tcp_psh = 8, tcp_ack = 16,
                         tcp_urg = 32;

struct TcpSegment {
  uint16_t source_port = 0, destination_port = 0, window = 0;
  uint32_t sequence = 0, acknowledgment = 0;
  uint8_t flags = 0;
  Bytes options;
  Bytes payload;
};

/// "TCP", "UDP", "ICMP", "IPIP", …; "ip-proto-N" for others.
std::string protocol_name(uint8_t protocol);
std::optional<TcpSegment> read_tcp(Bytes bytes);

// In tcpdump's words, without the hosts in front (UDP has them: its ports belong to them).
std::string print_icmp(Bytes bytes);
std::string print_udp(const Ipv4Header& ip);
/// Sequence numbers are printed relative to the bases; a base of 0 prints them whole.
std::string print_tcp_segment(const TcpSegment& segment, uint32_t base, uint32_t ack_base);
/// A DNS message: "4660+ A? google.com. (28)"; nullopt when it is none.
std::optional<std::string> print_dns(Bytes bytes);

}  // namespace hoplab::trace
