#pragma once

#include <string_view>

#include "runtime/base/json.h"

namespace hoplab::api {

/// What a plain (unquoted) scalar turns out to be.
enum class ScalarType { text, null, boolean, number, timestamp, merge, not_finite };

struct Scalar {
  ScalarType type = ScalarType::text;
  Json value;  ///< Text and timestamps stay strings; "<<" and .inf have no JSON value (null).
};

/// Resolves a plain scalar as Go's yaml.v2 does, which is what kubectl reads and writes with: YAML
/// 1.1 booleans (yes, on, y), octal 0644, 0x, 0b, digits with _. Pure; never fails.
Scalar resolve_plain(std::string_view text);

/// True for YAML 1.1's base 60 numbers such as 22:30, which yaml.v2 reads as text but still quotes
/// for readers that do not.
bool is_base60(std::string_view text);

/// Offset of the first byte that is not part of valid UTF-8; npos when all is well.
size_t bad_utf8_at(std::string_view text);

}  // namespace hoplab::api
