#pragma once

#include <linux/bpf.h>

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// A tiny assembler for eBPF (RFC 9669): a program is a table of lines, each made by a named
/// function. It works at compile time as well, so that a program whose jumps lead nowhere does not
/// compile. Only the forms that our programs use.
namespace hoplab::tunnel::bpf {

enum class Reg : uint8_t { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 };
using enum Reg;

/// An instruction as the kernel reads it: struct bpf_insn without its bit fields.
struct Instruction {
  uint8_t code = 0;
  uint8_t registers = 0;  ///< Destination and source, one in each half.
  int16_t offset = 0;
  int32_t immediate = 0;

  static constexpr Instruction make(int code, Reg destination, Reg source, int offset,
                                    int64_t immediate) {
    const auto d = static_cast<unsigned>(destination);
    const auto s = static_cast<unsigned>(source);
    const bool little = std::endian::native == std::endian::little;
    return {static_cast<uint8_t>(code), static_cast<uint8_t>(little ? s << 4U | d : d << 4U | s),
            static_cast<int16_t>(offset), static_cast<int32_t>(immediate)};
  }
  [[nodiscard]] constexpr unsigned destination() const {
    return std::endian::native == std::endian::little ? registers & 0xfU : registers >> 4U;
  }
  [[nodiscard]] constexpr unsigned source() const {
    return std::endian::native == std::endian::little ? registers >> 4U : registers & 0xfU;
  }
  bool operator==(const Instruction&) const = default;
};
static_assert(sizeof(Instruction) == sizeof(bpf_insn));

/// One line of a table: an instruction, perhaps with the label it jumps to, or a label.
struct Line {
  Instruction instruction;
  std::string_view target;  ///< Of a jump.
  std::string_view label;   ///< Set: the line is no instruction but the name of the next one.
};

constexpr Line label(std::string_view name) {
  return {{}, {}, name};
}

// Arithmetic on whole registers.
constexpr Line set(Reg to, int64_t value) {
  return {Instruction::make(BPF_ALU64 | BPF_MOV | BPF_K, to, r0, 0, value), {}, {}};
}
constexpr Line set(Reg to, Reg from) {
  return {Instruction::make(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0), {}, {}};
}
constexpr Line add(Reg to, int64_t value) {
  return {Instruction::make(BPF_ALU64 | BPF_ADD | BPF_K, to, r0, 0, value), {}, {}};
}
constexpr Line add(Reg to, Reg from) {
  return {Instruction::make(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0), {}, {}};
}
constexpr Line bit_and(Reg to, int64_t value) {
  return {Instruction::make(BPF_ALU64 | BPF_AND | BPF_K, to, r0, 0, value), {}, {}};
}
constexpr Line bit_xor(Reg to, int64_t value) {
  return {Instruction::make(BPF_ALU64 | BPF_XOR | BPF_K, to, r0, 0, value), {}, {}};
}
constexpr Line shift_left(Reg to, int bits) {
  return {Instruction::make(BPF_ALU64 | BPF_LSH | BPF_K, to, r0, 0, bits), {}, {}};
}
constexpr Line shift_right(Reg to, int bits) {
  return {Instruction::make(BPF_ALU64 | BPF_RSH | BPF_K, to, r0, 0, bits), {}, {}};
}
constexpr Line negate(Reg to) {
  return {Instruction::make(BPF_ALU64 | BPF_NEG, to, r0, 0, 0), {}, {}};
}
/// The low 16 bits in network byte order; the rest becomes zero.
constexpr Line to_network16(Reg to) {
  return {Instruction::make(BPF_ALU | BPF_END | BPF_TO_BE, to, r0, 0, 16), {}, {}};
}

// Memory: `size` is BPF_B, BPF_H, BPF_W or BPF_DW, 1 to 8 bytes.
constexpr Line load(int size, Reg to, Reg base, int offset) {
  return {Instruction::make(BPF_LDX | BPF_MEM | size, to, base, offset, 0), {}, {}};
}
constexpr Line store(int size, Reg base, int offset, Reg from) {
  return {Instruction::make(BPF_STX | BPF_MEM | size, base, from, offset, 0), {}, {}};
}
constexpr Line store(int size, Reg base, int offset, int64_t value) {
  return {Instruction::make(BPF_ST | BPF_MEM | size, base, r0, offset, value), {}, {}};
}

// Control.
constexpr Line jump_if_equal(Reg a, int64_t value, std::string_view target) {
  return {Instruction::make(BPF_JMP | BPF_JEQ | BPF_K, a, r0, 0, value), target, {}};
}
constexpr Line jump_unless_equal(Reg a, int64_t value, std::string_view target) {
  return {Instruction::make(BPF_JMP | BPF_JNE | BPF_K, a, r0, 0, value), target, {}};
}
/// Compares the low 32 bits: for addresses, whose first bit would be taken for a sign.
constexpr Line jump_unless_equal32(Reg a, int64_t value, std::string_view target) {
  return {Instruction::make(BPF_JMP32 | BPF_JNE | BPF_K, a, r0, 0, value), target, {}};
}
constexpr Line jump_if_below(Reg a, int64_t value, std::string_view target) {
  return {Instruction::make(BPF_JMP | BPF_JLT | BPF_K, a, r0, 0, value), target, {}};
}
/// Arguments in r1 to r5, the result in r0; r6 to r9 keep their values.
constexpr Line call(bpf_func_id helper) {
  return {Instruction::make(BPF_JMP | BPF_CALL, r0, r0, 0, helper), {}, {}};
}
/// Ends the program; r0 is its result.
constexpr Line leave() {
  return {Instruction::make(BPF_JMP | BPF_EXIT, r0, r0, 0, 0), {}, {}};
}

using Code = std::vector<Instruction>;

/// Resolves the labels. A label that is missing or twice there is a mistake in the table: it throws
/// (at compile time: does not compile).
constexpr Code assemble(std::initializer_list<Line> lines) {
  const auto place = [&](std::string_view name) {
    int at = 0;
    int found = -1;
    for (const Line& line : lines) {
      if (line.label.empty()) {
        ++at;
      } else if (line.label == name) {
        if (found >= 0) throw std::logic_error("a label is there twice");
        found = at;
      }
    }
    if (found < 0) throw std::logic_error("a jump leads to a label that is not there");
    return found;
  };
  Code out;
  for (const Line& line : lines) {
    if (!line.label.empty()) continue;
    out.push_back(line.instruction);
    if (!line.target.empty()) {
      // Counted from the next instruction.
      out.back().offset = static_cast<int16_t>(place(line.target) - static_cast<int>(out.size()));
    }
  }
  return out;
}

/// One instruction in the words of `bpftool prog dump xlated`: "r6 = r1", "if r0 != 0x0 goto pc+3".
std::string to_string(const Instruction& instruction);
/// A numbered line per instruction.
std::string listing(const Code& code);

}  // namespace hoplab::tunnel::bpf
