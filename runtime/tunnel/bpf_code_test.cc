#include "runtime/tunnel/bpf_code.h"

#include <gtest/gtest.h>

#include <cstring>

#include "runtime/base/test_golden.h"
#include "runtime/base/text.h"
#include "runtime/tunnel/ipip_programs.h"

namespace hoplab::tunnel {
namespace {

using namespace bpf;  // NOLINT: its words are what is tested

/// The bytes as RFC 9669 writes an instruction: opcode, registers, offset, immediate.
std::string bytes(const Line& line) {
  const Instruction one = assemble({line}).at(0);
  unsigned char raw[sizeof one];
  std::memcpy(raw, &one, sizeof one);
  std::string out;
  for (const unsigned char byte : raw) {
    constexpr const char* digits = "0123456789abcdef";
    out += str(digits[byte >> 4U], digits[byte & 0xfU], ' ');
  }
  out.pop_back();
  return out;
}

// The tables of RFC 9669, section 4 and 5; a little-endian machine.
TEST(BpfCode, EncodesArithmetic) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "bytes are those of x86 and ARM";
  EXPECT_EQ(bytes(set(r1, -2)), "b7 01 00 00 fe ff ff ff");
  EXPECT_EQ(bytes(set(r6, r1)), "bf 16 00 00 00 00 00 00");
  EXPECT_EQ(bytes(add(r2, -24)), "07 02 00 00 e8 ff ff ff");
  EXPECT_EQ(bytes(add(r8, r0)), "0f 08 00 00 00 00 00 00");
  EXPECT_EQ(bytes(bit_and(r0, 0x40)), "57 00 00 00 40 00 00 00");
  EXPECT_EQ(bytes(bit_xor(r8, 0xffff)), "a7 08 00 00 ff ff 00 00");
  EXPECT_EQ(bytes(shift_left(r2, 2)), "67 02 00 00 02 00 00 00");
  EXPECT_EQ(bytes(shift_right(r0, 16)), "77 00 00 00 10 00 00 00");
  EXPECT_EQ(bytes(negate(r2)), "87 02 00 00 00 00 00 00");
  EXPECT_EQ(bytes(to_network16(r0)), "dc 00 00 00 10 00 00 00");
}

TEST(BpfCode, EncodesMemory) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "bytes are those of x86 and ARM";
  EXPECT_EQ(bytes(load(BPF_B, r0, r10, -15)), "71 a0 f1 ff 00 00 00 00");
  EXPECT_EQ(bytes(load(BPF_H, r0, r10, -18)), "69 a0 ee ff 00 00 00 00");
  EXPECT_EQ(bytes(load(BPF_W, r3, r6, 0)), "61 63 00 00 00 00 00 00");
  EXPECT_EQ(bytes(load(BPF_DW, r9, r6, 8)), "79 69 08 00 00 00 00 00");
  EXPECT_EQ(bytes(store(BPF_B, r10, -47, r7)), "73 7a d1 ff 00 00 00 00");
  EXPECT_EQ(bytes(store(BPF_H, r10, -46, r0)), "6b 0a d2 ff 00 00 00 00");
  EXPECT_EQ(bytes(store(BPF_W, r10, -32, r0)), "63 0a e0 ff 00 00 00 00");
  EXPECT_EQ(bytes(store(BPF_DW, r10, -8, r1)), "7b 1a f8 ff 00 00 00 00");
  EXPECT_EQ(bytes(store(BPF_B, r10, -48, 0x45)), "72 0a d0 ff 45 00 00 00");
  EXPECT_EQ(bytes(store(BPF_H, r10, -38, 0)), "6a 0a da ff 00 00 00 00");
  EXPECT_EQ(bytes(store(BPF_W, r10, -36, 0x650aa8c0)), "62 0a dc ff c0 a8 0a 65");
  EXPECT_EQ(bytes(store(BPF_DW, r10, -112, 0)), "7a 0a 90 ff 00 00 00 00");
}

TEST(BpfCode, EncodesControl) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "bytes are those of x86 and ARM";
  EXPECT_EQ(bytes(call(BPF_FUNC_redirect_neigh)), "85 00 00 00 98 00 00 00");
  EXPECT_EQ(bytes(leave()), "95 00 00 00 00 00 00 00");
  const Code code = assemble({jump_if_equal(r0, 7, "end"), jump_unless_equal(r0, 1, "end"),
                              jump_unless_equal32(r0, -1, "end"), jump_if_below(r2, 20, "end"),
                              label("end"), leave()});
  EXPECT_EQ(code[0].code, 0x15);
  EXPECT_EQ(code[1].code, 0x55);
  EXPECT_EQ(code[2].code, 0x56);
  EXPECT_EQ(code[3].code, 0xa5);
  EXPECT_EQ(code[3].immediate, 20);
}

TEST(BpfCode, JumpsAreCountedFromTheNextInstruction) {
  constexpr auto offsets = [] {
    const Code code =
        assemble({label("begin"), set(r0, 0), jump_if_equal(r0, 0, "end"),
                  jump_if_equal(r0, 1, "begin"), label("middle"), label("end"), leave()});
    return std::pair{code[1].offset, code[2].offset};
  }();
  static_assert(offsets.first == 1 && offsets.second == -3, "also at compile time");
}

TEST(BpfCode, AMissingOrRepeatedLabelIsRefused) {
  EXPECT_THROW((void)assemble({jump_if_equal(r0, 0, "nowhere"), leave()}), std::logic_error);
  EXPECT_THROW((void)assemble({label("a"), set(r0, 0), label("a"), jump_if_equal(r0, 0, "a")}),
               std::logic_error);
}

IpipConstants constants() {
  IpipConstants out;
  out.local = Ipv4(192, 168, 10, 101);
  out.uplink = 2;
  out.tunnel = 5;
  out.peer = 6;
  out.tunnel_mac = Mac{{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
  return out;
}

TEST(IpipPrograms, AreTheListedInstructions) {
  if (std::endian::native != std::endian::little) GTEST_SKIP() << "constants are those of x86";
  expect_golden_file("tunnel/encap", listing(encap_program(constants())));
  expect_golden_file("tunnel/decap", listing(decap_program(constants())));
}

TEST(IpipPrograms, DifferOnlyInTheirConstants) {
  IpipConstants other = constants();
  other.local = Ipv4(192, 168, 20, 100);
  EXPECT_EQ(encap_program(constants()).size(), encap_program(other).size());
  EXPECT_NE(encap_program(constants()), encap_program(other));
  EXPECT_NE(decap_program(constants()), decap_program(other));
  EXPECT_EQ(encap_program(constants()), encap_program(constants()));
}

}  // namespace
}  // namespace hoplab::tunnel
