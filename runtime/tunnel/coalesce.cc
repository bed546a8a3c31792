#include "runtime/tunnel/coalesce.h"

#include <cstring>
#include <optional>

namespace hoplab::tunnel {

namespace {

constexpr uint8_t flag_fin_syn_rst = 0x07;
constexpr uint8_t flag_psh = 0x08;
constexpr uint8_t flag_ack = 0x10;
constexpr uint8_t flags_special = 0xe0 | flag_fin_syn_rst;  // also CWR, ECE, URG
constexpr size_t ip_length = 20;                            // options are never joined
constexpr size_t most_bytes = 60000;

/// A plain TCP segment with payload that may start or continue a run.
struct Segment {
  Bytes bytes;
  size_t headers = 0;
  size_t payload = 0;
  uint32_t sequence = 0;
};

uint32_t read32(ConstBytes bytes, size_t at) {
  return uint32_t{bytes[at]} << 24U | uint32_t{bytes[at + 1]} << 16U |
         uint32_t{bytes[at + 2]} << 8U | bytes[at + 3];
}

std::optional<Segment> read_segment(Bytes packet) {
  const auto ip = read_ipv4(packet);
  if (!ip || ip->header_length != ip_length || ip->protocol != 6 || ip->fragment ||
      packet.size() < ip_length + 20) {
    return std::nullopt;
  }
  const size_t tcp = size_t{packet[ip_length + 12]} >> 4U << 2U;
  const uint8_t flags = packet[ip_length + 13];
  if (tcp < 20 || packet.size() <= ip_length + tcp) return std::nullopt;
  if ((flags & flags_special) != 0 || (flags & flag_ack) == 0) return std::nullopt;
  // A damaged segment must reach TCP as it is, to be counted and dropped there.
  const uint16_t want = transport_checksum(*ip, packet.subspan(ip_length), 16);
  if (std::memcmp(&want, &packet[ip_length + 16], sizeof want) != 0) return std::nullopt;
  return Segment{packet, ip_length + tcp, packet.size() - ip_length - tcp,
                 read32(packet, ip_length + 4)};
}

bool same(const Segment& a, const Segment& b, size_t at, size_t length) {
  return std::memcmp(&a.bytes[at], &b.bytes[at], length) == 0;
}

/// Same connection, same acknowledgement, window and options: only sequence, length, id, checksum
/// and PSH may differ.
bool same_headers(const Segment& a, const Segment& b) {
  return a.headers == b.headers && same(a, b, 1, 1) && same(a, b, 6, 4) && same(a, b, 12, 12) &&
         same(a, b, ip_length + 8, 5) && same(a, b, ip_length + 14, 2) &&
         same(a, b, ip_length + 18, a.headers - ip_length - 18);
}

void finish_run(const Segment& first, size_t total, uint8_t push, Merged& merged) {
  const Bytes head = first.bytes;
  head[2] = static_cast<uint8_t>(total >> 8U);
  head[3] = static_cast<uint8_t>(total);
  head[10] = head[11] = 0;
  const uint16_t header_sum = checksum_fold(checksum_add(head.first(ip_length)));
  std::memcpy(&head[10], &header_sum, sizeof header_sum);
  head[ip_length + 13] |= push;
  // The kernel wants the sum of the pseudo header there and completes it per segment.
  const size_t length = total - ip_length;
  const uint8_t pseudo[4] = {0, 6, static_cast<uint8_t>(length >> 8U),
                             static_cast<uint8_t>(length)};
  const auto pseudo_sum = static_cast<uint16_t>(
      ~checksum_fold(checksum_add(pseudo, checksum_add(head.subspan(12, 8)))));
  std::memcpy(&head[ip_length + 16], &pseudo_sum, sizeof pseudo_sum);
  merged.offload.flags = Offload::needs_checksum;
  merged.offload.gso_type = Offload::gso_tcp4;
  merged.offload.header_length = static_cast<uint16_t>(first.headers);
  merged.offload.gso_size = static_cast<uint16_t>(first.payload);
  merged.offload.checksum_start = ip_length;
  merged.offload.checksum_offset = 16;
}

/// Joins the run that starts at `packets[0]`; returns how many packets it took.
size_t join_run(std::span<const Bytes> packets, Merged& merged) {
  merged.parts.push_back(packets[0]);
  if (packets.size() == 1) return 1;
  const auto first = read_segment(packets[0]);
  if (!first || (first->bytes[ip_length + 13] & flag_psh) != 0) return 1;
  size_t total = first->bytes.size();
  uint32_t next = first->sequence + static_cast<uint32_t>(first->payload);
  uint8_t push = 0;
  size_t taken = 1;
  for (; taken < packets.size() && push == 0; ++taken) {
    const auto more = read_segment(packets[taken]);
    if (!more || !same_headers(*first, *more) || more->sequence != next ||
        more->payload > first->payload || total + more->payload > most_bytes) {
      break;
    }
    merged.parts.push_back(more->bytes.subspan(more->headers));
    total += more->payload;
    next += static_cast<uint32_t>(more->payload);
    push = more->bytes[ip_length + 13] & flag_psh;
    if (more->payload < first->payload) {  // only the last of a run may be shorter
      ++taken;
      break;
    }
  }
  if (taken > 1) finish_run(*first, total, push, merged);
  return taken;
}

}  // namespace

void coalesce(std::span<const Bytes> packets, std::vector<Merged>& out) {
  out.clear();
  while (!packets.empty()) {
    out.emplace_back();
    packets = packets.subspan(join_run(packets, out.back()));
  }
}

}  // namespace hoplab::tunnel
