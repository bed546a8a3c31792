// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// The kernel gives bpf_fib_lookup only to programs that may be used under the GPL, too.
#include "runtime/tunnel/ipip_programs.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <sys/socket.h>

#include <cstddef>

namespace hoplab::tunnel {

namespace {

using namespace bpf;  // NOLINT: the table below is written in it

constexpr int ethernet = 14;
constexpr int ipv4_header = 20;
// In an IPv4 header.
constexpr int version_at = 0, tos_at = 1, length_at = 2, id_at = 4, fragment_at = 6, ttl_at = 8,
              protocol_at = 9, checksum_at = 10, source_at = 12, destination_at = 16;
constexpr int protocol_ipip = 4;
constexpr int ecn_mask = 3, ecn_congestion = 3, ecn_capable = 2;
// In struct bpf_fib_lookup, whose unions do not name their members in offsetof.
constexpr int fib_family_at = 0, fib_protocol_at = 1, fib_link_at = 8, fib_tos_at = 12,
              fib_source_at = 16, fib_destination_at = 32;
constexpr int fib_size = sizeof(bpf_fib_lookup);
static_assert(fib_size == 64);
constexpr int fib_no_neighbor = BPF_FIB_LKUP_RET_NO_NEIGH;

// The stack, below r10.
constexpr int header = -24;  // the header that came with the packet
constexpr int outer = -48;   // encap: the one that goes in front
constexpr int fib = outer - fib_size;
constexpr int mac = -32;  // decap

constexpr int32_t network16(int value) {
  return std::endian::native == std::endian::big ? value : (value & 0xff) << 8 | value >> 8;
}
constexpr int32_t network32(uint32_t value) {
  if (std::endian::native == std::endian::little) value = __builtin_bswap32(value);
  return static_cast<int32_t>(value);
}
/// `size` bytes of `from` as they lie in memory, as a number.
constexpr int32_t in_memory(const Mac& from, size_t first, size_t size) {
  uint32_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    const size_t shift = std::endian::native == std::endian::little ? i : size - 1 - i;
    out |= uint32_t{from.bytes[first + i]} << (8 * shift);
  }
  return static_cast<int32_t>(out);
}

constexpr int skb(size_t offset) {
  return static_cast<int>(offset);
}

constexpr Code encap(const IpipConstants& constants) {
  return assemble({
      // r6: the packet, r7: the outer TOS, r8: the sum for the outer checksum.
      set(r6, r1),
      // The inner header, wherever its bytes lie.
      set(r2, ethernet),
      set(r3, r10),
      add(r3, header),
      set(r4, ipv4_header),
      call(BPF_FUNC_skb_load_bytes),
      jump_unless_equal(r0, 0, "drop"),

      // Which node: the gateway of the route through tunl0. That tunl0 has no neighbor of that
      // address (it never asks for one) does not matter; the gateway is found before.
      store(BPF_DW, r10, fib + 0, 0),
      store(BPF_DW, r10, fib + 8, 0),
      store(BPF_DW, r10, fib + 16, 0),
      store(BPF_DW, r10, fib + 24, 0),
      store(BPF_DW, r10, fib + 32, 0),
      store(BPF_DW, r10, fib + 40, 0),
      store(BPF_DW, r10, fib + 48, 0),
      store(BPF_DW, r10, fib + 56, 0),
      store(BPF_B, r10, fib + fib_family_at, AF_INET),
      store(BPF_W, r10, fib + fib_link_at, constants.tunnel),
      load(BPF_B, r0, r10, header + protocol_at),
      store(BPF_B, r10, fib + fib_protocol_at, r0),
      load(BPF_B, r7, r10, header + tos_at),
      store(BPF_B, r10, fib + fib_tos_at, r7),
      load(BPF_W, r0, r10, header + source_at),
      store(BPF_W, r10, fib + fib_source_at, r0),
      load(BPF_W, r0, r10, header + destination_at),
      store(BPF_W, r10, fib + fib_destination_at, r0),
      set(r1, r6),
      set(r2, r10),
      add(r2, fib),
      set(r3, fib_size),
      set(r4, BPF_FIB_LOOKUP_OUTPUT),
      call(BPF_FUNC_fib_lookup),
      jump_if_equal(r0, 0, "routed"),
      jump_unless_equal(r0, fib_no_neighbor, "drop"),
      label("routed"),

      // The outer header. TOS: ECN as RFC 6040 has it; "congestion met" stays the inner's own.
      bit_and(r7, ecn_mask),
      jump_unless_equal(r7, ecn_congestion, "tos"),
      set(r7, ecn_capable),
      label("tos"),
      store(BPF_B, r10, outer + version_at, 0x45),
      store(BPF_B, r10, outer + tos_at, r7),
      load(BPF_W, r0, r6, skb(offsetof(__sk_buff, len))),
      add(r0, ipv4_header - ethernet),
      to_network16(r0),
      store(BPF_H, r10, outer + length_at, r0),
      call(BPF_FUNC_get_prandom_u32),
      store(BPF_H, r10, outer + id_at, r0),
      load(BPF_H, r0, r10, header + fragment_at),
      bit_and(r0, network16(0x4000)),  // DF
      store(BPF_H, r10, outer + fragment_at, r0),
      load(BPF_B, r0, r10, header + ttl_at),
      store(BPF_B, r10, outer + ttl_at, r0),
      store(BPF_B, r10, outer + protocol_at, protocol_ipip),
      store(BPF_H, r10, outer + checksum_at, 0),
      store(BPF_W, r10, outer + source_at, network32(constants.local.value())),
      load(BPF_W, r0, r10, fib + fib_destination_at),
      store(BPF_W, r10, outer + destination_at, r0),

      // Its checksum (RFC 1071): five words, then the carries back in.
      set(r8, 0),
      load(BPF_W, r0, r10, outer + 0),
      add(r8, r0),
      load(BPF_W, r0, r10, outer + 4),
      add(r8, r0),
      load(BPF_W, r0, r10, outer + 8),
      add(r8, r0),
      load(BPF_W, r0, r10, outer + 12),
      add(r8, r0),
      load(BPF_W, r0, r10, outer + 16),
      add(r8, r0),
      set(r0, r8),  // at most 35 bits
      shift_right(r0, 16),
      bit_and(r8, 0xffff),
      add(r8, r0),  // at most 20
      set(r0, r8),
      shift_right(r0, 16),
      bit_and(r8, 0xffff),
      add(r8, r0),  // at most 17
      set(r0, r8),
      shift_right(r0, 16),
      bit_and(r8, 0xffff),
      add(r8, r0),
      bit_xor(r8, 0xffff),
      store(BPF_H, r10, outer + checksum_at, r8),

      // Room behind the Ethernet header. Only a packet that is still to be segmented (somebody has
      // turned tunl0's offloads on) is marked as encapsulated: the mark would stay when the next
      // node unwraps the packet, and a packet that has it cannot be wrapped again.
      set(r1, r6),
      set(r2, ipv4_header),
      set(r3, BPF_ADJ_ROOM_MAC),
      set(r4, BPF_F_ADJ_ROOM_FIXED_GSO),
      load(BPF_W, r0, r6, skb(offsetof(__sk_buff, gso_size))),
      jump_if_equal(r0, 0, "room"),
      set(r4, BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4),
      label("room"),
      call(BPF_FUNC_skb_adjust_room),
      jump_unless_equal(r0, 0, "drop"),
      set(r1, r6),
      set(r2, ethernet),
      set(r3, r10),
      add(r3, outer),
      set(r4, ipv4_header),
      set(r5, 0),
      call(BPF_FUNC_skb_store_bytes),
      jump_unless_equal(r0, 0, "drop"),

      // Out by the uplink; the kernel finds the way to the node and the MAC of the first hop.
      set(r1, constants.uplink),
      set(r2, 0),
      set(r3, 0),
      set(r4, 0),
      call(BPF_FUNC_redirect_neigh),
      leave(),
      label("drop"),
      set(r0, TC_ACT_SHOT),
      leave(),
  });
}

constexpr Code decap(const IpipConstants& constants) {
  return assemble({
      // r6: the packet, r7: the outer TOS.
      set(r6, r1),
      set(r2, ethernet),
      set(r3, r10),
      add(r3, header),
      set(r4, ipv4_header),
      call(BPF_FUNC_skb_load_bytes),
      jump_unless_equal(r0, 0, "pass"),
      load(BPF_B, r0, r10, header + protocol_at),
      jump_unless_equal(r0, protocol_ipip, "pass"),
      load(BPF_W, r0, r10, header + destination_at),
      jump_unless_equal32(r0, network32(constants.local.value()), "pass"),
      load(BPF_H, r0, r10, header + fragment_at),
      bit_and(r0, network16(0x3fff)),  // more fragments, or not the first
      jump_unless_equal(r0, 0, "pass"),

      // Takes the outer header away, with its options.
      load(BPF_B, r7, r10, header + tos_at),
      load(BPF_B, r2, r10, header + version_at),
      bit_and(r2, 0xf),
      shift_left(r2, 2),
      jump_if_below(r2, ipv4_header, "pass"),
      negate(r2),
      set(r1, r6),
      set(r3, BPF_ADJ_ROOM_MAC),
      set(r4, BPF_F_ADJ_ROOM_FIXED_GSO),
      call(BPF_FUNC_skb_adjust_room),
      jump_unless_equal(r0, 0, "drop"),

      // A router met congestion: the inner packet says so from now on, or is dropped when its
      // sender cannot understand that (RFC 6040).
      bit_and(r7, ecn_mask),
      jump_unless_equal(r7, ecn_congestion, "deliver"),
      set(r1, r6),
      call(BPF_FUNC_skb_ecn_set_ce),
      jump_if_equal(r0, 0, "drop"),
      label("deliver"),

      // Through the cable to tunl0, which takes only frames for its own MAC.
      store(BPF_W, r10, mac, in_memory(constants.tunnel_mac, 0, 4)),
      store(BPF_H, r10, mac + 4, in_memory(constants.tunnel_mac, 4, 2)),
      set(r1, r6),
      set(r2, 0),
      set(r3, r10),
      add(r3, mac),
      set(r4, 6),
      set(r5, 0),
      call(BPF_FUNC_skb_store_bytes),
      jump_unless_equal(r0, 0, "drop"),
      set(r1, constants.peer),
      set(r2, 0),
      call(BPF_FUNC_redirect),
      leave(),
      label("pass"),
      set(r0, TC_ACT_UNSPEC),  // to the filters behind this one, then to the kernel
      leave(),
      label("drop"),
      set(r0, TC_ACT_SHOT),
      leave(),
  });
}

// Every label is there.
static_assert(!encap({}).empty() && !decap({}).empty());

}  // namespace

bpf::Code encap_program(const IpipConstants& constants) {
  return encap(constants);
}

bpf::Code decap_program(const IpipConstants& constants) {
  return decap(constants);
}

}  // namespace hoplab::tunnel
