#include "store/api/base64.h"

#include <cstdint>

namespace hoplab::api {

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
    for (size_t n = 0; n < 3; ++n) {
      group = group << 8U | (n < have ? static_cast<unsigned char>(bytes[i + n]) : 0U);
    }
    for (size_t n = 0; n < 4; ++n) {
      out += n <= have ? alphabet[group >> (18 - 6 * n) & 0x3FU] : '=';
    }
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  uint32_t group = 0;
  size_t have = 0;
  size_t padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    auto value = alphabet.find(c);
    if (c == '=') {
      ++padding;
      value = 0;
    } else if (value == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    group = group << 6U | static_cast<uint32_t>(value);
    if (++have < 4) continue;
    if (padding > 2) return std::nullopt;
    out += static_cast<char>(group >> 16U & 0xFFU);
    if (padding < 2) out += static_cast<char>(group >> 8U & 0xFFU);
    if (padding < 1) out += static_cast<char>(group & 0xFFU);
    group = 0;
    have = 0;
  }
  if (have != 0) return std::nullopt;
  return out;
}

}  // namespace hoplab::api
