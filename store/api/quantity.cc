#include "store/api/quantity.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "runtime/base/text.h"

namespace hoplab::api {

namespace {

struct Suffix {
  std::string_view text;
  long double factor;
  Quantity::Format format;
};

constexpr long double ki = 1024;

constexpr Suffix suffixes[] = {
    {"", 1, Quantity::Format::decimal},
    {"n", 1e-9L, Quantity::Format::decimal},
    {"u", 1e-6L, Quantity::Format::decimal},
    {"m", 1e-3L, Quantity::Format::decimal},
    {"k", 1e3L, Quantity::Format::decimal},
    {"M", 1e6L, Quantity::Format::decimal},
    {"G", 1e9L, Quantity::Format::decimal},
    {"T", 1e12L, Quantity::Format::decimal},
    {"P", 1e15L, Quantity::Format::decimal},
    {"E", 1e18L, Quantity::Format::decimal},
    {"Ki", ki, Quantity::Format::binary},
    {"Mi", ki* ki, Quantity::Format::binary},
    {"Gi", ki* ki* ki, Quantity::Format::binary},
    {"Ti", ki* ki* ki* ki, Quantity::Format::binary},
    {"Pi", ki* ki* ki* ki* ki, Quantity::Format::binary},
    {"Ei", ki* ki* ki* ki* ki* ki, Quantity::Format::binary},
};

Error bad_quantity() {
  return Error(ErrorCode::bad_request,
               "quantities must match the regular expression "
               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

/// The number in front of the suffix; false when it has no digit or two points.
bool take_mantissa(std::string_view& text, long double& value) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  size_t length = 0;
  size_t digits = 0;
  long double scale = 0;
  value = 0;
  for (; length < text.size(); ++length) {
    char c = text[length];
    if (c == '.') {
      if (scale != 0) return false;
      scale = 1;
    } else if (c >= '0' && c <= '9') {
      ++digits;
      value = value * 10 + (c - '0');
      if (scale != 0) scale *= 10;
    } else {
      break;
    }
  }
  if (scale > 1) value /= scale;
  if (negative) value = -value;
  text.remove_prefix(length);
  return digits > 0;
}

int64_t to_milli(long double value) {
  constexpr auto most = static_cast<long double>(std::numeric_limits<int64_t>::max());
  long double milli = value * 1000;
  // 0.1 has no exact binary form: what is a whole number but for that must stay one.
  long double nearest = std::round(milli);
  long double rounded = std::abs(milli - nearest) < 1e-6L
                            ? nearest
                            : (milli < 0 ? std::floor(milli) : std::ceil(milli));
  if (rounded >= most) return std::numeric_limits<int64_t>::max();
  if (rounded <= -most) return -std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(rounded);
}

std::string with_suffix(int64_t value, int64_t step, std::string_view letters,
                        std::string_view tail) {
  size_t power = 0;
  while (value != 0 && value % step == 0 && power < letters.size()) {
    value /= step;
    ++power;
  }
  if (power == 0) return std::to_string(value);
  return str(value, letters[power - 1], tail);
}

}  // namespace

int64_t Quantity::value() const {
  int64_t whole = milli / 1000;
  return milli % 1000 > 0 ? whole + 1 : whole;
}

Result<Quantity> parse_quantity(std::string_view text) {
  long double value = 0;
  if (text.size() > 64 || !take_mantissa(text, value)) return bad_quantity();
  for (const auto& suffix : suffixes) {
    if (suffix.text == text) return Quantity{to_milli(value * suffix.factor), suffix.format};
  }
  if (text.front() != 'e' && text.front() != 'E') return bad_quantity();
  text.remove_prefix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  int exponent = 0;
  auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (failed != std::errc() || rest != text.data() + text.size() || exponent < -100 ||
      exponent > 100) {
    return bad_quantity();
  }
  return Quantity{to_milli(value * std::pow(10.0L, exponent)), Quantity::Format::exponent};
}

Result<Quantity> quantity_of(const Json& value) {
  if (value.is_string()) return parse_quantity(value.get_ref<const std::string&>());
  if (value.is_number()) return parse_quantity(value.dump());
  return bad_quantity();
}

std::string to_string(const Quantity& quantity) {
  if (quantity.milli % 1000 != 0) return str(quantity.milli, "m");
  int64_t whole = quantity.milli / 1000;
  switch (quantity.format) {
    case Quantity::Format::binary:
      if (std::abs(whole) >= 1024) return with_suffix(whole, 1024, "KMGTPE", "i");
      return with_suffix(whole, 1000, "kMGTPE", "");
    case Quantity::Format::exponent: {
      int power = 0;
      for (; whole != 0 && whole % 1000 == 0; whole /= 1000) power += 3;
      return power == 0 ? std::to_string(whole) : str(whole, "e", power);
    }
    case Quantity::Format::decimal:
      break;
  }
  return with_suffix(whole, 1000, "kMGTPE", "");
}

}  // namespace hoplab::api
