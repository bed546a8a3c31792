#include "web/base64.h"

#include <cctype>
#include <cstdint>

namespace hoplab::web {

namespace {

constexpr std::string_view standard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_safe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view data, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    size_t left = data.size() - i;
    auto byte = [&](size_t k) { return k < left ? static_cast<uint8_t>(data[i + k]) : 0U; };
    uint32_t three = byte(0) << 16U | byte(1) << 8U | byte(2);
    for (size_t k = 0; k < 4; ++k) {
      if (k <= left) {
        out += alphabet[three >> (18U - 6U * k) & 63U];
      } else if (pad) {
        out += '=';
      }
    }
  }
  return out;
}

std::optional<std::string> decode(std::string_view text, std::string_view alphabet) {
  std::string out;
  uint32_t bits = 0;
  unsigned have = 0;
  for (char c : text) {
    auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6U | static_cast<uint32_t>(digit);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 255U);
    }
  }
  // Six bits over are a lone digit; bits that are set beyond the last byte are not canonical.
  if (have >= 6 || (bits & ((1U << have) - 1U)) != 0) return std::nullopt;
  return out;
}

}  // namespace

std::string base64_encode(std::string_view data) {
  return encode(data, standard, true);
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string compact;
  for (char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) compact += c;
  }
  if (compact.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && compact.ends_with('='); ++i) compact.pop_back();
  return decode(compact, standard);
}

std::string base64url_encode(std::string_view data) {
  return encode(data, url_safe, false);
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode(text, url_safe);
}

}  // namespace hoplab::web
