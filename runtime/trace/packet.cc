#include "runtime/trace/packet.h"

#include <algorithm>

namespace hoplab::trace {

uint8_t ByteReader::u8() {
  if (left() < 1) {
    ok_ = false;
    return 0;
  }
  return bytes_[at_++];
}

uint16_t ByteReader::u16() {
  uint16_t high = u8();
  return static_cast<uint16_t>(high << 8U | u8());
}

uint32_t ByteReader::u32() {
  uint32_t high = u16();
  return high << 16U | u16();
}

Mac ByteReader::mac() {
  Mac mac;
  for (uint8_t& byte : mac.bytes) byte = u8();
  return mac;
}

Bytes ByteReader::take(size_t count) {
  if (count > left()) ok_ = false;
  count = std::min(count, left());
  Bytes out = bytes_.subspan(at_, count);
  at_ += count;
  return out;
}

std::optional<EthernetHeader> read_ethernet(ByteReader& reader) {
  EthernetHeader header;
  header.destination = reader.mac();
  header.source = reader.mac();
  header.type = reader.u16();
  if (!reader.ok()) return std::nullopt;
  return header;
}

std::optional<ArpMessage> read_arp(Bytes bytes) {
  ByteReader reader(bytes);
  uint16_t hardware = reader.u16();
  uint16_t protocol = reader.u16();
  uint8_t hardware_size = reader.u8();
  uint8_t protocol_size = reader.u8();
  if (hardware != 1 || protocol != ethertype_ipv4 || hardware_size != 6 || protocol_size != 4) {
    return std::nullopt;
  }
  ArpMessage message;
  message.operation = reader.u16();
  message.sender_mac = reader.mac();
  message.sender_ip = reader.ip();
  message.target_mac = reader.mac();
  message.target_ip = reader.ip();
  if (!reader.ok()) return std::nullopt;
  return message;
}

std::optional<Ipv4Header> read_ipv4(Bytes bytes) {
  ByteReader reader(bytes);
  Ipv4Header header;
  uint8_t first = reader.u8();
  header.header_length = static_cast<size_t>(first & 15U) * 4;
  if (first >> 4U != 4 || header.header_length < 20 || header.header_length > bytes.size()) {
    return std::nullopt;
  }
  header.tos = reader.u8();
  header.total_length = reader.u16();
  header.id = reader.u16();
  uint16_t fragment = reader.u16();
  header.dont_fragment = (fragment & 0x4000U) != 0;
  header.more_fragments = (fragment & 0x2000U) != 0;
  header.fragment_offset = static_cast<uint16_t>((fragment & 0x1fffU) * 8);
  header.ttl = reader.u8();
  header.protocol = reader.u8();
  reader.u16();  // Checksum: offloading leaves it open in captures on a virtual interface.
  header.source = reader.ip();
  header.destination = reader.ip();
  // With segmentation offload the length field may be 0: then everything captured belongs to it.
  size_t end =
      header.total_length == 0 ? bytes.size() : std::min<size_t>(header.total_length, bytes.size());
  if (end < header.header_length) return std::nullopt;
  header.payload_length = std::max<size_t>(header.total_length, end) - header.header_length;
  header.header = bytes.first(header.header_length);
  header.payload = bytes.subspan(header.header_length, end - header.header_length);
  return header;
}

}  // namespace hoplab::trace
