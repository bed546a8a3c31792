#include "runtime/tunnel/ipip_programs.h"

#include <gmock/gmock.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "runtime/netlink/dump.h"
#include "runtime/tunnel/bpf_program.h"
#include "runtime/tunnel/bpf_tunnel.h"
#include "runtime/tunnel/packet.h"
#include "tests/kernel/sandbox_netns.h"

// The two programs, packet by packet, run by the kernel itself (BPF_PROG_TEST_RUN): what they make
// of a packet and what they say should happen to it.

namespace hoplab {
namespace {

using testing::ElementsAreArray;
using tunnel::checksum_add;
using tunnel::checksum_fold;
using Packet = std::vector<uint8_t>;

constexpr int ethernet = 14;
constexpr Ipv4 own_node(192, 168, 10, 101), other_node(192, 168, 20, 100);
constexpr Ipv4 own_pod(172, 16, 158, 1), other_pod(172, 16, 34, 1);
// A frame cut short inside the IP header: newer kernels refuse to try one that says it is IPv4.
constexpr uint16_t unknown = 0x88b5;
constexpr uint32_t pass = static_cast<uint32_t>(TC_ACT_UNSPEC);

void put_ip(Packet& packet, size_t at, Ipv4 ip) {
  for (size_t i = 0; i < 4; ++i) packet[at + i] = static_cast<uint8_t>(ip.value() >> (24 - 8 * i));
}

struct Header {
  uint8_t tos = 0;
  uint8_t ttl = 64;
  uint8_t protocol = 17;
  uint16_t fragment = 0x4000;
  Ipv4 source = own_pod, destination = other_pod;
  Packet options;
};

Packet ipv4(const Header& header, const Packet& payload) {
  Packet out(20, 0);
  out.insert(out.end(), header.options.begin(), header.options.end());
  const size_t length = out.size();
  out.insert(out.end(), payload.begin(), payload.end());
  out[0] = static_cast<uint8_t>(0x40 | length / 4);
  out[1] = header.tos;
  out[2] = static_cast<uint8_t>(out.size() >> 8U);
  out[3] = static_cast<uint8_t>(out.size());
  out[6] = static_cast<uint8_t>(header.fragment >> 8U);
  out[7] = static_cast<uint8_t>(header.fragment);
  out[8] = header.ttl;
  out[9] = header.protocol;
  put_ip(out, 12, header.source);
  put_ip(out, 16, header.destination);
  const uint16_t sum = checksum_fold(checksum_add({out.data(), length}));
  std::memcpy(&out[10], &sum, sizeof sum);
  return out;
}

Packet frame(const Packet& packet, uint16_t type = 0x0800) {
  Packet out{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, uint8_t(type >> 8U), uint8_t(type)};
  out.insert(out.end(), packet.begin(), packet.end());
  return out;
}

Packet payload() {
  Packet out(64);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(i * 7);
  return out;
}

/// Another node's packet for this one.
Packet outer(const Packet& inner, Header header = {}) {
  header.protocol = 4;
  header.source = other_node;
  header.destination = own_node;
  return frame(ipv4(header, inner));
}

Packet inner(Header header = {}) {
  header.source = other_pod;
  header.destination = own_pod;
  return ipv4(header, payload());
}

struct Verdict {
  uint32_t action = 0;
  Packet packet;
};

class IpipPrograms : public test::SandboxNetns {
 protected:
  void SetUp() override {
    test::SandboxNetns::SetUp();
    if (IsSkipped()) return;
    if (auto may = tunnel::may_load_programs(); !may) GTEST_SKIP() << may.error().message();
    wire();
    tunnel::IpipConstants constants;
    constants.local = own_node;
    constants.uplink = index("eth0");
    constants.tunnel = index("tunl0");
    constants.peer = index("tunl0-peer");
    constants.tunnel_mac = mac_;
    encap_ = load("ipip_encap", tunnel::encap_program(constants));
    decap_ = load("ipip_decap", tunnel::decap_program(constants));
  }

  void wire() {
    const auto pair = [](const char* name, const char* peer) {
      VethAdd out;
      out.link.name = name;
      out.peer.name = peer;
      return out;
    };
    const auto up = [](const char* name) {
      LinkSet out;
      out.name = name;
      out.up = true;
      return out;
    };
    VethAdd tunnel = pair("tunl0", "tunl0-peer");
    tunnel.link.mac = mac_;
    LinkSet quiet = up("tunl0");
    quiet.arp = false;
    test::must_apply(netns(),
                     {{"", tunnel, ""},
                      {"", pair("eth0", "router"), ""},
                      {"", quiet, ""},
                      {"", up("tunl0-peer"), ""},
                      {"", up("eth0"), ""},
                      {"", up("router"), ""},
                      {"", AddressAdd{{"eth0", Prefix(own_node, 24), {}}}, ""},
                      {"", SysctlSet{"net/ipv4/conf/tunl0/forwarding", "1"}, ""},
                      {"", RouteReplace{to("172.16.34.0/24", other_node)}, "a node's block"},
                      {"", RouteReplace{to("172.16.35.0/24", std::nullopt)}, "no gateway"}});
    Route hole;
    hole.destination = Prefix::parse("172.16.36.0/24").value();
    hole.type = RouteType::blackhole;
    test::must_apply(netns(), {{"", RouteReplace{hole}, ""}});
  }

  static Route to(std::string_view network, std::optional<Ipv4> gateway) {
    Route out;
    out.destination = Prefix::parse(network).value();
    out.gateway = gateway;
    out.link = "tunl0";
    out.onlink = gateway.has_value();
    if (!gateway) out.scope = RouteScope::link;
    return out;
  }

  static int32_t index(const char* link) { return static_cast<int32_t>(if_nametoindex(link)); }

  static std::optional<tunnel::bpf::Program> load(const char* name, const tunnel::bpf::Code& code) {
    auto program = tunnel::bpf::Program::load(name, code);
    EXPECT_TRUE(program) << (program ? "" : program.error().message());
    if (!program) return std::nullopt;
    return std::move(*program);
  }

  static Verdict run(const tunnel::bpf::Program& program, const Packet& packet) {
    Verdict out;
    out.packet.resize(packet.size() + 256);
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.test.prog_fd = static_cast<uint32_t>(program.fd());
    attributes.test.data_in = reinterpret_cast<uintptr_t>(packet.data());
    attributes.test.data_size_in = static_cast<uint32_t>(packet.size());
    attributes.test.data_out = reinterpret_cast<uintptr_t>(out.packet.data());
    attributes.test.data_size_out = static_cast<uint32_t>(out.packet.size());
    EXPECT_EQ(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes), 0)
        << std::strerror(errno);
    out.action = attributes.test.retval;
    out.packet.resize(attributes.test.data_size_out);
    return out;
  }
  [[nodiscard]] Verdict encap(const Packet& packet) const { return run(*encap_, packet); }
  [[nodiscard]] Verdict decap(const Packet& packet) const { return run(*decap_, packet); }

  /// Decap hands `packet` over inside a frame for tunl0.
  void expect_delivered(const Packet& arrived, const Packet& packet) const {
    const Verdict verdict = decap(arrived);
    EXPECT_EQ(verdict.action, uint32_t{TC_ACT_REDIRECT});
    Packet want = frame(packet);
    std::copy(mac_.bytes.begin(), mac_.bytes.end(), want.begin());
    EXPECT_THAT(verdict.packet, ElementsAreArray(want));
  }
  void expect_passed(const Packet& arrived) const {
    const Verdict verdict = decap(arrived);
    EXPECT_EQ(verdict.action, pass);
    EXPECT_THAT(verdict.packet, ElementsAreArray(arrived)) << "untouched";
  }

  const Mac mac_{{0x02, 0x11, 0x22, 0xff, 0x44, 0x55}};
  std::optional<tunnel::bpf::Program> encap_, decap_;
};

TEST_F(IpipPrograms, EncapPutsTheHeaderOfTheKernelsModuleInFront) {
  for (const uint16_t fragment : {0x4000, 0x0000, 0x2000, 0x00b9}) {
    Header header;
    header.ttl = 63;
    header.fragment = fragment;
    const Packet packet = ipv4(header, payload());
    const Verdict verdict = encap(frame(packet));
    ASSERT_EQ(verdict.action, uint32_t{TC_ACT_REDIRECT});
    ASSERT_EQ(verdict.packet.size(), ethernet + 20 + packet.size());
    const Packet head(verdict.packet.begin() + ethernet, verdict.packet.begin() + ethernet + 20);
    EXPECT_EQ(head[0], 0x45);
    EXPECT_EQ(head[2] << 8 | head[3], static_cast<int>(packet.size()) + 20);
    EXPECT_EQ(head[6] << 8 | head[7], fragment & 0x4000) << "DF is the inner one's";
    EXPECT_EQ(head[8], 63) << "TTL too";
    EXPECT_EQ(head[9], 4);
    EXPECT_EQ(checksum_fold(checksum_add(head)), 0);
    Packet addresses(8);
    put_ip(addresses, 0, own_node);
    put_ip(addresses, 4, other_node);
    EXPECT_THAT(Packet(head.begin() + 12, head.end()), ElementsAreArray(addresses));
    EXPECT_THAT(Packet(verdict.packet.begin() + ethernet + 20, verdict.packet.end()),
                ElementsAreArray(packet));
    EXPECT_EQ(verdict.packet[12] << 8 | verdict.packet[13], 0x0800);
  }
}

TEST_F(IpipPrograms, EncapTakesOfTheTosOnlyEcn) {
  const std::vector<std::pair<int, int>> cases{{0x00, 0x00}, {0xb8, 0x00}, {0xb9, 0x01},
                                               {0x02, 0x02}, {0x03, 0x02}, {0xff, 0x02}};
  for (const auto& [tos, want] : cases) {
    Header header;
    header.tos = static_cast<uint8_t>(tos);
    const Verdict verdict = encap(frame(ipv4(header, payload())));
    ASSERT_EQ(verdict.action, uint32_t{TC_ACT_REDIRECT});
    EXPECT_EQ(verdict.packet[ethernet + 1], want) << tos;
    EXPECT_EQ(verdict.packet[ethernet + 20 + 1], tos) << "the inner one stays";
  }
}

TEST_F(IpipPrograms, EncapAsksTheRoutes) {
  Header header;
  header.destination = Ipv4(172, 16, 35, 7);
  Verdict verdict = encap(frame(ipv4(header, payload())));
  EXPECT_EQ(verdict.action, uint32_t{TC_ACT_REDIRECT});
  Packet node(4);
  put_ip(node, 0, header.destination);
  EXPECT_THAT(
      Packet(verdict.packet.begin() + ethernet + 16, verdict.packet.begin() + ethernet + 20),
      ElementsAreArray(node))
      << "without a gateway the packet's own destination, as in the kernel's module";
  header.destination = Ipv4(172, 16, 36, 7);
  EXPECT_EQ(encap(frame(ipv4(header, payload()))).action, uint32_t{TC_ACT_SHOT}) << "blackhole";
  header.destination = Ipv4(8, 8, 8, 8);
  EXPECT_EQ(encap(frame(ipv4(header, payload()))).action, uint32_t{TC_ACT_SHOT}) << "no route";
}

TEST_F(IpipPrograms, EncapDropsWhatIsNoPacket) {
  const Packet whole = frame(ipv4({}, payload()), unknown);
  for (size_t size = ethernet; size < ethernet + 20; ++size) {
    EXPECT_EQ(encap(Packet(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size))).action,
              uint32_t{TC_ACT_SHOT})
        << size;
  }
  EXPECT_EQ(encap(frame(ipv4({}, payload()), 0x0806)).action, uint32_t{TC_ACT_SHOT}) << "ARP";
}

TEST_F(IpipPrograms, DecapTakesTheHeaderAway) {
  expect_delivered(outer(inner()), inner());
  Header options;
  for (const size_t words : {1U, 2U, 10U}) {
    options.options.assign(words * 4, 1);  // no operation
    expect_delivered(outer(inner(), options), inner());
  }
  Header without_df;
  without_df.fragment = 0;
  expect_delivered(outer(inner(), without_df), inner());
}

TEST_F(IpipPrograms, DecapPutsBackWhatEncapMade) {
  const Packet packet = ipv4({}, payload());
  const Verdict wrapped = encap(frame(packet));
  Packet arrived = wrapped.packet;
  put_ip(arrived, ethernet + 16, own_node);  // as if it were for this node
  expect_delivered(arrived, packet);
}

TEST_F(IpipPrograms, DecapLetsOthersPass) {
  Packet packet = outer(inner());
  put_ip(packet, ethernet + 16, other_node);
  expect_passed(packet);
  packet = outer(inner());
  packet[ethernet + 9] = 17;
  expect_passed(packet);
  expect_passed(frame(ipv4({}, payload()), 0x0806));
  Header first;
  first.fragment = 0x2000;
  expect_passed(outer(inner(), first));
  Header last;
  last.fragment = 0x0001;
  expect_passed(outer(inner(), last));
  packet = outer(inner());
  packet[ethernet] = 0x44;
  expect_passed(packet);
  Packet whole = outer(inner());
  whole[12] = unknown >> 8U;
  whole[13] = unknown & 0xffU;
  for (size_t size = ethernet; size < ethernet + 20; ++size) {
    expect_passed(Packet(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
  }
}

TEST_F(IpipPrograms, DecapDropsAnEmptyPacket) {
  for (const size_t size : {0U, 1U, 19U}) {
    EXPECT_EQ(decap(outer(Packet(size, 0x45))).action, uint32_t{TC_ACT_SHOT}) << size;
  }
}

TEST_F(IpipPrograms, DecapTellsTheInnerPacketOfCongestion) {
  Header met;
  met.tos = 0x03;
  Header capable;
  capable.tos = 0xb8 | 0x02;
  Header marked;
  marked.tos = 0xb8 | 0x03;
  expect_delivered(outer(inner(capable), met), inner(marked));
  expect_delivered(outer(inner(marked), met), inner(marked));
  EXPECT_EQ(decap(outer(inner(), met)).action, uint32_t{TC_ACT_SHOT})
      << "a sender that cannot be told must see a loss";
}

/// What decap must do, in other words.
uint32_t expected_action(const Packet& packet) {
  const uint8_t* ip = &packet[ethernet];
  Packet own(4);
  put_ip(own, 0, own_node);
  const size_t header = (ip[0] & 0xfU) * 4UL;
  if (ip[9] != 4 || !std::equal(own.begin(), own.end(), ip + 16) || header < 20 ||
      ((ip[6] & 0x3fU) | ip[7]) != 0) {
    return pass;
  }
  if (packet.size() < ethernet + header + 20) return TC_ACT_SHOT;
  const bool capable = (ip[header + 1] & 3U) != 0;
  return (ip[1] & 3U) == 3 && !capable ? TC_ACT_SHOT : TC_ACT_REDIRECT;
}

TEST_F(IpipPrograms, DecapOfDamagedPacketsIsAsExpected) {
  std::mt19937 random(20261123);  // NOLINT: the same packets every time
  std::map<uint32_t, int> seen;
  for (int i = 0; i < 20000; ++i) {
    Header header;
    header.options.resize(random() % 4 * 4, 1);
    header.tos = static_cast<uint8_t>(random());
    Packet packet = outer(inner(), header);
    packet[ethernet + (packet[ethernet] & 0xfU) * 4U + 1] = static_cast<uint8_t>(random());
    for (uint32_t damage = random() % 3; damage > 0; --damage) {
      packet[ethernet + random() % (packet.size() - ethernet)] = static_cast<uint8_t>(random());
    }
    if (random() % 4 == 0)
      packet.resize(ethernet + 20 + random() % (packet.size() - ethernet - 20));
    const Verdict verdict = decap(packet);
    ASSERT_EQ(verdict.action, expected_action(packet)) << i << testing::PrintToString(packet);
    if (verdict.action == pass) {
      ASSERT_EQ(verdict.packet, packet) << i;
    }
    if (verdict.action == TC_ACT_REDIRECT) {
      ASSERT_EQ(verdict.packet.size(), packet.size() - (packet[ethernet] & 0xfU) * 4UL) << i;
    }
    const Verdict wrapped = encap(packet);  // must come back, whatever it says
    ASSERT_TRUE(wrapped.action == TC_ACT_SHOT || wrapped.action == TC_ACT_REDIRECT) << i;
    ++seen[verdict.action];
  }
  for (const uint32_t action : {pass, uint32_t{TC_ACT_SHOT}, uint32_t{TC_ACT_REDIRECT}}) {
    EXPECT_GT(seen[action], 500) << action;
  }
}

TEST_F(IpipPrograms, ARefusalHasTheVerifiersWords) {
  using namespace tunnel::bpf;  // NOLINT
  const auto refused = Program::load("nonsense", assemble({leave()}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("load the eBPF program nonsense"));
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("R0 !read_ok"));
}

}  // namespace
}  // namespace hoplab
