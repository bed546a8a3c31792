#include "runtime/base/base64.h"

#include <algorithm>
#include <cstdint>

namespace hoplab {

namespace {

constexpr std::string_view standard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_safe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < have ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k <= have; ++k) out += alphabet[group >> (18U - 6U * k) & 63U];
  }
  return out;
}

struct Decoded {
  std::string bytes;
  unsigned spare_bits = 0;  ///< How many bits of the last digit belong to no byte; 6 = a lone one.
  uint32_t spare = 0;
};

Result<Decoded> decode(std::string_view digits, std::string_view alphabet) {
  Decoded out;
  uint32_t bits = 0;
  for (const char c : digits) {
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) {
      return Error(ErrorCode::invalid, "not base64: unexpected character");
    }
    bits = bits << 6U | static_cast<uint32_t>(digit);
    out.spare_bits += 6;
    if (out.spare_bits < 8) continue;
    out.spare_bits -= 8;
    out.bytes += static_cast<char>(bits >> out.spare_bits & 255U);
  }
  out.spare = bits & ((1U << out.spare_bits) - 1U);
  if (out.spare_bits == 6) return Error(ErrorCode::invalid, "not base64: wrong length");
  return out;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out = encode(bytes, standard);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '\n' && c != '\r') digits += c;
  }
  const size_t with_padding = digits.size();
  for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.pop_back();
  if (with_padding % 4 != 0) return Error(ErrorCode::invalid, "not base64: wrong length");
  HOP_TRY(Decoded decoded, decode(digits, standard));
  return std::move(decoded.bytes);
}

std::string base64url_encode(std::string_view bytes) {
  return encode(bytes, url_safe);
}

Result<std::string> base64url_decode(std::string_view text) {
  HOP_TRY(Decoded decoded, decode(text, url_safe));
  if (decoded.spare != 0) return Error(ErrorCode::invalid, "not base64: bits left over");
  return std::move(decoded.bytes);
}

}  // namespace hoplab
