#include "runtime/tunnel/packet.h"

#include <gmock/gmock.h>

#include <cstring>
#include <string>

#include "runtime/tunnel/coalesce.h"

namespace hoplab::tunnel {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using Buffer = std::vector<uint8_t>;

void put16(Buffer& b, size_t at, size_t value) {
  b[at] = static_cast<uint8_t>(value >> 8U);
  b[at + 1] = static_cast<uint8_t>(value);
}

void put_address(Buffer& b, size_t at, Ipv4 ip) {
  put16(b, at, ip.value() >> 16U);
  put16(b, at + 2, ip.value() & 0xffffU);
}

Buffer ip_packet(uint8_t protocol, const Buffer& body) {
  Buffer packet(20);
  packet[0] = 0x45;
  packet[6] = 0x40;  // DF
  packet[8] = 63;
  packet[9] = protocol;
  put16(packet, 2, 20 + body.size());
  put_address(packet, 12, Ipv4(172, 16, 158, 1));
  put_address(packet, 16, Ipv4(172, 16, 184, 1));
  const uint16_t sum = checksum_fold(checksum_add(packet));
  std::memcpy(&packet[10], &sum, 2);
  packet.insert(packet.end(), body.begin(), body.end());
  return packet;
}

Buffer tcp_packet(size_t payload, uint8_t flags = 0x18, uint32_t sequence = 1000) {
  Buffer tcp(20 + payload);
  put16(tcp, 0, 40000);
  put16(tcp, 2, 80);
  put16(tcp, 4, sequence >> 16U);
  put16(tcp, 6, sequence & 0xffffU);
  tcp[12] = 0x50;
  tcp[13] = flags;
  for (size_t i = 0; i < payload; ++i) tcp[20 + i] = static_cast<uint8_t>(i * 7);
  return ip_packet(6, tcp);
}

bool checksums_hold(Bytes packet) {
  const auto ip = read_ipv4(packet);
  if (!ip || checksum_fold(checksum_add(packet.first(20))) != 0) return false;
  const Bytes segment = packet.subspan(20);
  const size_t field = ip->protocol == 6 ? 16 : 6;
  const uint16_t want = transport_checksum(*ip, segment, field);
  return std::memcmp(&want, &segment[field], 2) == 0;
}

TEST(Packet, ReadsAHeaderOnlyWhenItIsWhole) {
  Buffer packet = ip_packet(1, Buffer(8));
  const auto view = read_ipv4(packet);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->source, Ipv4(172, 16, 158, 1));
  EXPECT_EQ(view->destination, Ipv4(172, 16, 184, 1));
  EXPECT_EQ(view->ttl, 63);
  EXPECT_FALSE(view->fragment);
  EXPECT_FALSE(read_ipv4(ConstBytes(packet).first(19)).has_value());
  EXPECT_FALSE(read_ipv4(ConstBytes(packet).first(27)).has_value()) << "longer than what is there";
  packet[0] = 0x44;
  EXPECT_FALSE(read_ipv4(packet).has_value()) << "header shorter than 20";
  packet[0] = 0x65;
  EXPECT_FALSE(read_ipv4(packet).has_value()) << "version 6";
}

TEST(Packet, DecapsulatesAndCutsThePaddingOff) {
  const Buffer inner = ip_packet(1, Buffer(8));
  Buffer body = inner;
  body.resize(body.size() + 6);
  Buffer outer = ip_packet(4, body);
  const auto found = decapsulate(outer);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(Buffer(found->begin(), found->end()), inner);
  outer[9] = 17;
  EXPECT_FALSE(decapsulate(outer).has_value()) << "not protocol 4";
  outer[9] = 4;
  outer[6] = 0x20;
  EXPECT_FALSE(decapsulate(outer).has_value()) << "a fragment";
  Buffer rubbish = ip_packet(4, Buffer(40, 0xff));
  EXPECT_FALSE(decapsulate(rubbish).has_value());
}

TEST(Packet, FillsInTheChecksumThatTheKernelLeftOut) {
  Buffer packet = tcp_packet(101);
  Offload offload;
  offload.flags = Offload::needs_checksum;
  offload.checksum_start = 20;
  offload.checksum_offset = 16;
  Segmenter segmenter;
  std::vector<Bytes> out;
  ASSERT_TRUE(segmenter.run(offload, packet, out));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_TRUE(checksums_hold(out[0]));
  for (const uint16_t start : {uint16_t{0}, uint16_t{19}, uint16_t{140}, uint16_t{65535}}) {
    offload.checksum_start = start;
    EXPECT_FALSE(segmenter.run(offload, packet, out)) << start;
  }
}

TEST(Packet, CutsATcpSuperPacketIntoSegments) {
  Buffer packet = tcp_packet(3000, 0x99, 0xfffffff0U);
  Offload offload;
  offload.gso_type = Offload::gso_tcp4 | Offload::gso_ecn;
  offload.gso_size = 1440;
  Segmenter segmenter;
  std::vector<Bytes> out;
  ASSERT_TRUE(segmenter.run(offload, packet, out));
  ASSERT_THAT(out, SizeIs(3));
  Buffer payload;
  for (const Bytes piece : out) {
    EXPECT_TRUE(checksums_hold(piece));
    payload.insert(payload.end(), piece.begin() + 40, piece.end());
  }
  EXPECT_EQ(payload, Buffer(packet.begin() + 40, packet.end()));
  EXPECT_EQ(out[0][33], 0x90) << "CWR first, no FIN and PSH";
  EXPECT_EQ(out[1][33], 0x10);
  EXPECT_EQ(out[2][33], 0x19);
  EXPECT_EQ(out[1][24], 0x00) << "the sequence number wraps: 0xfffffff0 + 1440";
  EXPECT_EQ(out[1][26], 0x05);
  EXPECT_EQ(out[1][27], 0x90);
}

TEST(Packet, CutsAUdpSuperPacketIntoDatagrams) {
  Buffer udp(8 + 2500, 3);
  Buffer packet = ip_packet(17, udp);
  Offload offload;
  offload.gso_type = Offload::gso_udp;
  offload.gso_size = 1000;
  Segmenter segmenter;
  std::vector<Bytes> out;
  ASSERT_TRUE(segmenter.run(offload, packet, out));
  ASSERT_THAT(out, SizeIs(3));
  EXPECT_THAT(out[2], SizeIs(528));
  for (const Bytes piece : out) EXPECT_TRUE(checksums_hold(piece));
}

TEST(Packet, RefusesSuperPacketsThatMakeNoSense) {
  Buffer packet = tcp_packet(3000);
  Segmenter segmenter;
  std::vector<Bytes> out;
  Offload offload;
  offload.gso_type = Offload::gso_tcp4;
  EXPECT_FALSE(segmenter.run(offload, packet, out)) << "segments of nothing";
  offload.gso_size = 1;
  EXPECT_FALSE(segmenter.run(offload, packet, out)) << "3,000 segments";
  offload.gso_size = 1440;
  offload.gso_type = Offload::gso_udp;
  EXPECT_FALSE(segmenter.run(offload, packet, out)) << "TCP is not UDP";
  offload.gso_type = 77;
  EXPECT_FALSE(segmenter.run(offload, packet, out)) << "unknown kind";
  offload.gso_type = Offload::gso_tcp4;
  packet[32] = 0x40;
  EXPECT_FALSE(segmenter.run(offload, packet, out)) << "TCP header of 16";
  EXPECT_THAT(out, IsEmpty());
  EXPECT_TRUE(segmenter.has_room());
}

/// What segmentation took apart, coalescing puts together again, bit by bit.
TEST(Coalesce, UndoesSegmentation) {
  Buffer packet = tcp_packet(4000);
  Offload offload;
  offload.gso_type = Offload::gso_tcp4;
  offload.gso_size = 1440;
  Segmenter segmenter;
  std::vector<Bytes> pieces;
  ASSERT_TRUE(segmenter.run(offload, packet, pieces));
  std::vector<Merged> merged;
  coalesce(pieces, merged);
  ASSERT_THAT(merged, SizeIs(1));
  EXPECT_EQ(merged[0].offload.gso_size, 1440);
  Buffer joined;
  for (const ConstBytes part : merged[0].parts) {
    joined.insert(joined.end(), part.begin(), part.end());
  }
  std::vector<Bytes> again;
  ASSERT_TRUE(segmenter.run(merged[0].offload, joined, again));
  ASSERT_THAT(again, SizeIs(3));
  EXPECT_EQ(Buffer(again[1].begin(), again[1].end()), Buffer(pieces[1].begin(), pieces[1].end()));
  EXPECT_EQ(Buffer(again[2].begin(), again[2].end()), Buffer(pieces[2].begin(), pieces[2].end()));
}

TEST(Coalesce, JoinsOnlyWhatFollowsInOneConnection) {
  const auto segments = [](std::vector<Buffer> packets) {
    std::vector<Bytes> all;
    std::vector<Bytes> out;
    Segmenter segmenter;
    Offload offload;
    offload.flags = Offload::needs_checksum;
    offload.checksum_start = 20;
    offload.checksum_offset = 16;
    for (Buffer& packet : packets) {
      out.clear();
      EXPECT_TRUE(segmenter.run(offload, packet, out));
      all.push_back(out[0]);
    }
    std::vector<Merged> merged;
    coalesce(all, merged);
    return merged.size();
  };
  EXPECT_EQ(segments({tcp_packet(100, 0x10, 0), tcp_packet(100, 0x10, 100)}), 1U);
  EXPECT_EQ(segments({tcp_packet(100, 0x10, 0), tcp_packet(100, 0x10, 101)}), 2U) << "a gap";
  EXPECT_EQ(segments({tcp_packet(100, 0x18, 0), tcp_packet(100, 0x10, 100)}), 2U) << "PSH ends";
  EXPECT_EQ(segments({tcp_packet(100, 0x10, 0), tcp_packet(101, 0x10, 100)}), 2U) << "longer";
  EXPECT_EQ(segments({tcp_packet(100, 0x10, 0), tcp_packet(100, 0x11, 100)}), 2U) << "FIN";
  EXPECT_EQ(
      segments({tcp_packet(100, 0x10, 0), tcp_packet(50, 0x10, 100), tcp_packet(50, 0x10, 150)}),
      2U)
      << "a short one ends the run";
  Buffer damaged = tcp_packet(100, 0x10, 100);
  std::vector<Bytes> all{damaged, damaged};
  std::vector<Merged> merged;
  coalesce(all, merged);
  EXPECT_THAT(merged, SizeIs(2)) << "wrong checksums pass as they are";
}

}  // namespace
}  // namespace hoplab::tunnel
