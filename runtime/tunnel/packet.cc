#include "runtime/tunnel/packet.h"

#include <cstring>

namespace hoplab::tunnel {

namespace {

constexpr uint8_t protocol_ipip = 4;
constexpr uint8_t protocol_tcp = 6;
constexpr uint8_t protocol_udp = 17;
constexpr size_t ipv4_header = 20;

uint16_t read16(ConstBytes bytes, size_t at) {
  return static_cast<uint16_t>(uint32_t{bytes[at]} << 8U | bytes[at + 1]);
}

uint32_t read32(ConstBytes bytes, size_t at) {
  return uint32_t{read16(bytes, at)} << 16U | read16(bytes, at + 2);
}

void write16(Bytes bytes, size_t at, uint32_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8U);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

void write32(Bytes bytes, size_t at, uint32_t value) {
  write16(bytes, at, value >> 16U);
  write16(bytes, at + 2, value);
}

/// Writes a checksum that checksum_fold() returned.
void store_checksum(Bytes bytes, size_t at, uint16_t checksum) {
  std::memcpy(&bytes[at], &checksum, sizeof checksum);
}

void finish_ip_header(Bytes packet, size_t header_length, size_t total_length, uint32_t id) {
  write16(packet, 2, static_cast<uint32_t>(total_length));
  write16(packet, 4, id);
  write16(packet, 10, 0);
  store_checksum(packet, 10, checksum_fold(checksum_add(packet.first(header_length))));
}

/// Length of the TCP or UDP header that starts at `at`, 0 when it does not fit.
size_t transport_header(uint8_t protocol, ConstBytes packet, size_t at) {
  if (protocol == protocol_udp) return packet.size() >= at + 8 ? 8 : 0;
  if (packet.size() < at + 20) return 0;
  const size_t length = size_t{packet[at + 12]} >> 4U << 2U;
  return length >= 20 && packet.size() >= at + length ? length : 0;
}

}  // namespace

std::optional<Ipv4View> read_ipv4(ConstBytes packet) {
  if (packet.size() < ipv4_header || packet[0] >> 4U != 4) return std::nullopt;
  Ipv4View view;
  view.header_length = size_t{packet[0] & 0xfU} * 4;
  view.total_length = read16(packet, 2);
  if (view.header_length < ipv4_header || view.total_length < view.header_length ||
      view.total_length > packet.size()) {
    return std::nullopt;
  }
  view.tos = packet[1];
  view.fragment = (read16(packet, 6) & 0x3fffU) != 0;
  view.ttl = packet[8];
  view.protocol = packet[9];
  view.source = Ipv4(read32(packet, 12));
  view.destination = Ipv4(read32(packet, 16));
  return view;
}

std::optional<Bytes> decapsulate(Bytes outer) {
  const auto view = read_ipv4(outer);
  if (!view || view->protocol != protocol_ipip || view->fragment) return std::nullopt;
  const Bytes inner = outer.subspan(view->header_length, view->total_length - view->header_length);
  const auto inside = read_ipv4(inner);
  if (!inside) return std::nullopt;
  return inner.first(inside->total_length);
}

uint64_t checksum_add(ConstBytes bytes, uint64_t sum) {
  const uint8_t* data = bytes.data();
  size_t left = bytes.size();
  // 32 bits at a time: 2^32 additions fit before the 64 bits overflow, a packet has 2^14.
  for (; left >= 4; data += 4, left -= 4) {
    uint32_t word = 0;
    std::memcpy(&word, data, sizeof word);
    sum += word;
  }
  if (left > 0) {
    uint32_t word = 0;
    std::memcpy(&word, data, left);
    sum += word;
  }
  return sum;
}

uint16_t checksum_fold(uint64_t sum) {
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<uint16_t>(~sum);
}

uint16_t transport_checksum(const Ipv4View& ip, ConstBytes segment, size_t checksum_offset) {
  uint8_t pseudo[12];
  const Bytes view(pseudo);
  write32(view, 0, ip.source.value());
  write32(view, 4, ip.destination.value());
  pseudo[8] = 0;
  pseudo[9] = ip.protocol;
  write16(view, 10, static_cast<uint32_t>(segment.size()));
  uint64_t sum = checksum_add(pseudo);
  sum = checksum_add(segment.first(checksum_offset), sum);
  sum = checksum_add(segment.subspan(checksum_offset + 2), sum);
  const uint16_t checksum = checksum_fold(sum);
  // A UDP checksum of zero means "none": its other form is all ones.
  return ip.protocol == protocol_udp && checksum == 0 ? 0xffff : checksum;
}

bool Segmenter::run(const Offload& offload, Bytes packet, std::vector<Bytes>& out) {
  const auto ip = read_ipv4(packet);
  if (!ip) return false;
  packet = packet.first(ip->total_length);
  const uint8_t gso = offload.gso_type & ~Offload::gso_ecn;
  if (gso != Offload::gso_none) return segment(offload, *ip, packet, out);
  if ((offload.flags & Offload::needs_checksum) != 0) {
    const size_t start = offload.checksum_start;
    const size_t field = start + offload.checksum_offset;
    if (start < ip->header_length || offload.checksum_offset % 2 != 0 ||
        field + 2 > packet.size()) {
      return false;
    }
    store_checksum(packet, field,
                   transport_checksum(*ip, packet.subspan(start), offload.checksum_offset));
  }
  out.push_back(packet);
  return true;
}

bool Segmenter::segment(const Offload& offload, const Ipv4View& ip, Bytes packet,
                        std::vector<Bytes>& out) {
  const uint8_t gso = offload.gso_type & ~Offload::gso_ecn;
  const bool tcp = gso == Offload::gso_tcp4 && ip.protocol == protocol_tcp;
  const bool udp = gso == Offload::gso_udp && ip.protocol == protocol_udp;
  const size_t transport = transport_header(ip.protocol, packet, ip.header_length);
  if ((!tcp && !udp) || transport == 0 || offload.gso_size == 0 || ip.fragment) return false;
  const size_t headers = ip.header_length + transport;
  const size_t payload = packet.size() - headers;
  const size_t count = (payload + offload.gso_size - 1) / offload.gso_size;
  if (count == 0 || count > most_segments || arena_.size() - used_ < payload + count * headers) {
    return false;
  }
  const uint32_t id = read16(packet, 4);
  const uint32_t sequence = tcp ? read32(packet, ip.header_length + 4) : 0;
  for (size_t i = 0, done = 0; i < count; ++i) {
    const size_t part = std::min<size_t>(offload.gso_size, payload - done);
    const Bytes piece = arena_.part(used_, headers + part);
    used_ += piece.size();
    std::memcpy(piece.data(), packet.data(), headers);
    std::memcpy(&piece[headers], &packet[headers + done], part);
    finish_ip_header(piece, ip.header_length, piece.size(), id + static_cast<uint32_t>(i));
    const Bytes segment = piece.subspan(ip.header_length);
    if (tcp) {
      write32(segment, 4, sequence + static_cast<uint32_t>(done));
      if (i + 1 < count) segment[13] &= static_cast<uint8_t>(~0x09U);  // FIN and PSH: last one only
      if (i > 0) segment[13] &= static_cast<uint8_t>(~0x80U);          // CWR: first one only
    } else {
      write16(segment, 4, static_cast<uint32_t>(segment.size()));
    }
    const size_t field = tcp ? 16 : 6;
    store_checksum(segment, field, transport_checksum(ip, segment, field));
    out.push_back(piece);
    done += part;
  }
  return true;
}

}  // namespace hoplab::tunnel
