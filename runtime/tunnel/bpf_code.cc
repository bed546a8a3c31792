#include "runtime/tunnel/bpf_code.h"

#include <cstdlib>
#include <iomanip>
#include <sstream>

#include "runtime/base/text.h"

namespace hoplab::tunnel::bpf {

namespace {

std::string reg(unsigned number) {
  return str('r', number);
}

std::string hex(int32_t value) {
  return str("0x", std::hex, static_cast<uint32_t>(value));
}

const char* size_of(uint8_t code) {
  switch (code & 0x18U) {
    case BPF_B:
      return "u8";
    case BPF_H:
      return "u16";
    case BPF_W:
      return "u32";
    default:
      return "u64";
  }
}

std::string memory(uint8_t code, unsigned base, int offset) {
  return str("*(", size_of(code), " *)(", reg(base), offset < 0 ? " - " : " + ", std::abs(offset),
             ')');
}

std::string arithmetic(const Instruction& one) {
  const std::string to = reg(one.destination());
  const bool by_register = (one.code & BPF_X) != 0;
  const std::string operand = by_register ? reg(one.source()) : std::to_string(one.immediate);
  switch (one.code & 0xf0U) {
    case BPF_MOV:
      return str(to, " = ", operand);
    case BPF_ADD:
      return str(to, " += ", operand);
    case BPF_AND:
      return str(to, " &= ", by_register ? operand : hex(one.immediate));
    case BPF_XOR:
      return str(to, " ^= ", by_register ? operand : hex(one.immediate));
    case BPF_LSH:
      return str(to, " <<= ", operand);
    case BPF_RSH:
      return str(to, " >>= ", operand);
    case BPF_NEG:
      return str(to, " = -", to);
    case BPF_END:
      return str(to, " = be", one.immediate, ' ', to);
    default:
      return str("alu ", hex(one.code));
  }
}

std::string control(const Instruction& one) {
  const char* comparison = nullptr;
  switch (one.code & 0xf0U) {
    case BPF_CALL:
      return str("call ", one.immediate);
    case BPF_EXIT:
      return "exit";
    case BPF_JEQ:
      comparison = " == ";
      break;
    case BPF_JNE:
      comparison = " != ";
      break;
    case BPF_JLT:
      comparison = " < ";
      break;
    default:
      return str("jmp ", hex(one.code));
  }
  const bool half = (one.code & 0x07U) == BPF_JMP32;
  return str("if ", half ? "w" : "r", one.destination(), comparison, hex(one.immediate), " goto pc",
             one.offset < 0 ? "" : "+", one.offset);
}

}  // namespace

std::string to_string(const Instruction& one) {
  switch (one.code & 0x07U) {
    case BPF_ALU:
    case BPF_ALU64:
      return arithmetic(one);
    case BPF_LDX:
      return str(reg(one.destination()), " = ", memory(one.code, one.source(), one.offset));
    case BPF_STX:
      return str(memory(one.code, one.destination(), one.offset), " = ", reg(one.source()));
    case BPF_ST:
      return str(memory(one.code, one.destination(), one.offset), " = ", hex(one.immediate));
    case BPF_JMP:
    case BPF_JMP32:
      return control(one);
    default:
      return str("code ", hex(one.code));
  }
}

std::string listing(const Code& code) {
  std::ostringstream out;
  for (size_t at = 0; at < code.size(); ++at) {
    out << std::setw(4) << at << ": " << to_string(code[at]) << "\n";
  }
  return std::move(out).str();
}

}  // namespace hoplab::tunnel::bpf
