#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/ip.h"

/// Packets as they pass an interface: reading them from bytes, and printing them as tcpdump does.
/// Every reader here takes foreign bytes: bounded, never throws, no I/O.
namespace hoplab::trace {

using Bytes = std::span<const uint8_t>;

/// A forward-only reader of network-order fields. A read past the end gives 0 and clears `ok`.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}
  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  Mac mac();
  Ipv4 ip() { return Ipv4(u32()); }
  Bytes take(size_t count);
  [[nodiscard]] Bytes rest() const { return bytes_.subspan(at_); }
  [[nodiscard]] size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  Bytes bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

struct EthernetHeader {
  Mac destination;
  Mac source;
  uint16_t type = 0;
};

struct ArpMessage {
  uint16_t operation = 0;  ///< 1 request, 2 reply.
  Mac sender_mac;
  Ipv4 sender_ip;
  Mac target_mac;
  Ipv4 target_ip;
};

struct Ipv4Header {
  uint8_t tos = 0, ttl = 0, protocol = 0;
  uint16_t total_length = 0, id = 0, fragment_offset = 0;  ///< Offset in bytes.
  bool dont_fragment = false, more_fragments = false;
  Ipv4 source, destination;
  Bytes payload;              ///< Bounded by total_length and by what was captured.
  size_t payload_length = 0;  ///< As the header says; the payload may be cut.
  size_t header_length = 0;
  Bytes header;  ///< Its bytes, options included.
};

std::optional<EthernetHeader> read_ethernet(ByteReader& reader);
std::optional<ArpMessage> read_arp(Bytes bytes);
/// Nullopt when it is no whole IPv4 header.
std::optional<Ipv4Header> read_ipv4(Bytes bytes);

inline constexpr uint16_t ethertype_ipv4 = 0x0800;
inline constexpr uint16_t ethertype_arp = 0x0806;
inline constexpr uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr uint8_t protocol_icmp = 1;
inline constexpr uint8_t protocol_ipip = 4;
inline constexpr uint8_t protocol_tcp = 6;
inline constexpr uint8_t protocol_udp = 17;

}  // namespace hoplab::trace
