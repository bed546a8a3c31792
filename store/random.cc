#include "store/random.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/base/bytes.h"

namespace hoplab {

std::string random_uid() {
  auto bytes = random_value<std::array<uint8_t, 16>>();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  std::string uid = hex_text(std::as_bytes(std::span(bytes)));
  for (size_t at : {8, 13, 18, 23}) uid.insert(at, "-");
  return uid;
}

std::string random_suffix(size_t length) {
  constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  const auto bytes = random_value<std::array<uint8_t, 64>>();
  std::string suffix;
  for (size_t i = 0; i < length; ++i) suffix += alphabet[bytes[i % bytes.size()] % alphabet.size()];
  return suffix;
}

std::string generated_name(const std::string& base) {
  constexpr size_t longest = 63;
  constexpr size_t suffix = 5;
  return base.substr(0, longest - suffix) + random_suffix(suffix);
}

}  // namespace hoplab
