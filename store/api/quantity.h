#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::api {

/// An amount of cpu, memory or anything countable: "100m", "0.5", "128Mi", "1e3". Kept in
/// thousandths; what is finer is rounded up, what is too large saturates (9.2e15 units).
struct Quantity {
  enum class Format { decimal, binary, exponent };
  int64_t milli = 0;
  Format format = Format::decimal;

  /// Whole units, rounded up as Kubernetes does.
  [[nodiscard]] int64_t value() const;
  bool operator==(const Quantity&) const = default;
};

/// Fails with Kubernetes' "quantities must match the regular expression …".
Result<Quantity> parse_quantity(std::string_view text);
/// From a JSON string or number.
Result<Quantity> quantity_of(const Json& value);
/// Kubernetes' canonical text: 0.5 -> "500m", 1024Mi -> "1Gi", 1000 -> "1k".
std::string to_string(const Quantity& quantity);

}  // namespace hoplab::api
