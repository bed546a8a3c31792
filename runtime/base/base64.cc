#include "runtime/base/base64.h"

#include <array>
#include <cstdint>

namespace hoplab {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    size_t have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < have ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += k <= have ? alphabet[group >> (18U - 6U * k) & 63U] : '=';
    }
  }
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string out;
  uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    auto digit = alphabet.find(c);
    if (digit == std::string_view::npos || padding > 0) {
      return Error(ErrorCode::invalid, "not base64: unexpected character");
    }
    group = group << 6U | static_cast<uint32_t>(digit);
    if (++digits % 4 == 0) {
      for (int shift : {16, 8, 0}) out += static_cast<char>(group >> static_cast<unsigned>(shift));
      group = 0;
    }
  }
  int left = digits % 4;
  if ((left + padding) % 4 != 0 || left == 1 || padding > 2) {
    return Error(ErrorCode::invalid, "not base64: wrong length");
  }
  if (left == 2) out += static_cast<char>(group >> 4U);
  if (left == 3) {
    out += static_cast<char>(group >> 10U);
    out += static_cast<char>(group >> 2U);
  }
  return out;
}

}  // namespace hoplab
