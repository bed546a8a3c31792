#include "runtime/base/bytes.h"

#include <sys/random.h>

#include <cstdlib>

namespace hoplab {

std::string hex_text(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::byte each : bytes) {
    out += digits[static_cast<uint8_t>(each) >> 4U];
    out += digits[static_cast<uint8_t>(each) & 15U];
  }
  return out;
}

uint64_t fnv1a_64(std::string_view text) {
  uint64_t hash = 14695981039346656037U;
  for (char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211U;
  return hash;
}

void fill_random(std::span<std::byte> bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
}

}  // namespace hoplab
