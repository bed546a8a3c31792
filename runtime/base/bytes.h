#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// Bytes as digits and as a number.
namespace hoplab {

/// Two lower-case hexadecimal digits for each byte.
std::string hex_text(std::span<const std::byte> bytes);

/// FNV-1a, 64 bits: the same on every machine and in every run, unlike std::hash. No protection
/// against somebody who wants two texts to have the same.
uint64_t fnv1a_64(std::string_view text);

/// Fills up to 256 bytes from the kernel's generator, which gives them in one piece and cannot fail
/// once the machine has started.
void fill_random(std::span<std::byte> bytes);

template <typename T>
T random_value() {
  T value{};
  fill_random(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

}  // namespace hoplab
