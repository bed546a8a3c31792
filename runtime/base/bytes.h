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

}  // namespace hoplab
