#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/ip.h"

/// IP in IP (RFC 2003) where the kernel has no ipip module: the outer header carries the nodes'
/// addresses, the inner one the pods'. This header is pure: bytes in, bytes out, every length is
/// checked, because the bytes come from the wire and from pods.
namespace hoplab::tunnel {

using Bytes = std::span<uint8_t>;
using ConstBytes = std::span<const uint8_t>;

/// Room for packets. Not cleared: pages cost memory only once a packet was in them.
class PacketBuffer {
 public:
  explicit PacketBuffer(size_t size)
      : bytes_(std::make_unique_for_overwrite<uint8_t[]>(size)), size_(size) {}
  [[nodiscard]] uint8_t* at(size_t offset) { return bytes_.get() + offset; }
  [[nodiscard]] Bytes part(size_t offset, size_t length) { return {at(offset), length}; }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_;
};

/// What the kernel puts in front of a packet whose checksum or segmentation it left to us: the
/// fields of struct virtio_net_hdr (<linux/virtio_net.h> does not compile as C++). Host byte order,
/// 10 bytes, as TUN with IFF_VNET_HDR and AF_PACKET with PACKET_VNET_HDR give and take them.
struct Offload {
  static constexpr uint8_t needs_checksum = 1;
  static constexpr uint8_t gso_none = 0;
  static constexpr uint8_t gso_tcp4 = 1;
  static constexpr uint8_t gso_udp = 5;  ///< VIRTIO_NET_HDR_GSO_UDP_L4
  static constexpr uint8_t gso_ecn = 0x80;

  uint8_t flags = 0;
  uint8_t gso_type = 0;
  uint16_t header_length = 0;
  uint16_t gso_size = 0;        ///< Payload bytes per segment.
  uint16_t checksum_start = 0;  ///< From the start of the packet as read.
  uint16_t checksum_offset = 0;
  bool operator==(const Offload&) const = default;
};
static_assert(sizeof(Offload) == 10);

/// The facts of an IPv4 header.
struct Ipv4View {
  size_t header_length = 0;
  size_t total_length = 0;  ///< At most the bytes given.
  uint8_t protocol = 0;
  uint8_t ttl = 0;
  uint8_t tos = 0;
  bool fragment = false;  ///< Any fragment, also the first.
  Ipv4 source;
  Ipv4 destination;
};

/// Nullopt unless `packet` starts with a whole IPv4 header and holds all of the packet.
std::optional<Ipv4View> read_ipv4(ConstBytes packet);

/// The packet inside an outer packet of protocol 4, cut to its length; nullopt when the bytes are
/// not that, are a fragment, or hold no IPv4 packet.
std::optional<Bytes> decapsulate(Bytes outer);

/// RFC 1071 over `bytes`, added to `sum`; not folded.
uint64_t checksum_add(ConstBytes bytes, uint64_t sum = 0);
/// The folded, inverted sum in network byte order, as it stands in a header.
uint16_t checksum_fold(uint64_t sum);
/// The checksum a TCP or UDP segment must carry, with its own field counted as zero.
uint16_t transport_checksum(const Ipv4View& ip, ConstBytes segment, size_t checksum_offset);

/// Turns a packet as the kernel hands it over into packets as they go on the wire: fills in the
/// checksum left out, cuts a TCP or UDP super-packet into segments with their own headers.
/// The results lie in `packet` itself or in the arena and are valid until clear().
class Segmenter {
 public:
  /// More segments than a 64 KiB packet of sane size can have; more is refused.
  static constexpr size_t most_segments = 1024;
  /// Bytes of arena that one packet can need at most.
  static constexpr size_t packet_reserve = 65536 + most_segments * 120;

  explicit Segmenter(size_t arena_bytes = 2 * packet_reserve) : arena_(arena_bytes) {}

  /// Appends to `out`; false when the packet is malformed (nothing appended) or there is no room.
  bool run(const Offload& offload, Bytes packet, std::vector<Bytes>& out);
  [[nodiscard]] bool has_room() const { return arena_.size() - used_ >= packet_reserve; }
  void clear() { used_ = 0; }

 private:
  bool segment(const Offload& offload, const Ipv4View& ip, Bytes packet, std::vector<Bytes>& out);

  PacketBuffer arena_;
  size_t used_ = 0;
};

}  // namespace hoplab::tunnel
