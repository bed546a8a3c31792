#include "store/api/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace hoplab::api {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

constexpr std::array<std::string_view, 5> nulls = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 11> trues = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> falses = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 12> not_finite = {".nan",  ".NaN",  ".NAN",  ".inf",
                                                         ".Inf",  ".INF",  "+.inf", "+.Inf",
                                                         "+.INF", "-.inf", "-.Inf", "-.INF"};

/// Takes digits off the front; false unless there are `least` to `most` of them and their value is
/// at most `limit`.
bool take_number(std::string_view& text, size_t least, size_t most, int limit) {
  size_t n = 0;
  int value = 0;
  while (n < text.size() && n < most && is_digit(text[n])) value = value * 10 + (text[n++] - '0');
  text.remove_prefix(n);
  return n >= least && value <= limit;
}

bool take(std::string_view& text, char mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(1);
  return true;
}

void take_fraction(std::string_view& text) {
  if (text.size() < 2 || text[0] != '.' || !is_digit(text[1])) return;
  text.remove_prefix(1);
  while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
}

/// 2006-1-2, "2006-1-2 15:4:5.9" or 2006-1-2T15:4:5.9Z.
bool is_timestamp(std::string_view text) {
  if (!(take_number(text, 4, 4, 9999) && take(text, '-') && take_number(text, 1, 2, 12) &&
        take(text, '-') && take_number(text, 1, 2, 31))) {
    return false;
  }
  if (text.empty()) return true;
  bool with_zone = text.front() == 'T' || text.front() == 't';
  if (!with_zone && text.front() != ' ') return false;
  text.remove_prefix(1);
  if (!(take_number(text, 1, 2, 23) && take(text, ':') && take_number(text, 1, 2, 59) &&
        take(text, ':') && take_number(text, 1, 2, 59))) {
    return false;
  }
  take_fraction(text);
  if (!with_zone || text == "Z") return with_zone || text.empty();
  return (take(text, '+') || take(text, '-')) && take_number(text, 2, 2, 24) && take(text, ':') &&
         take_number(text, 2, 2, 59) && text.empty();
}

/// Go's strconv.ParseInt with base 0, signs included; wider than int64 only without a sign.
std::optional<Json> parse_integer(std::string_view text) {
  bool negative = text.starts_with('-');
  bool has_sign = negative || text.starts_with('+');
  if (has_sign) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : (mark == 'b' ? 2 : 8);
    text.remove_prefix(base == 8 && mark != 'o' ? 1 : 2);
  }
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [rest, failed] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || failed != std::errc() || rest != end) return std::nullopt;
  constexpr uint64_t top = uint64_t{1} << 63U;
  if (negative) {
    if (value > top) return std::nullopt;
    return Json(static_cast<int64_t>(0 - value));
  }
  if (value >= top) return has_sign ? std::nullopt : std::optional<Json>(value);
  return Json(static_cast<int64_t>(value));
}

/// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool looks_like_float(std::string_view text) {
  auto digits = [&text] {
    size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    text.remove_prefix(n);
    return n;
  };
  if (!take(text, '-')) take(text, '+');
  size_t whole = digits();
  size_t fraction = take(text, '.') ? digits() : 0;
  if (whole == 0 && fraction == 0) return false;
  if (text.empty()) return true;
  if (!take(text, 'e') && !take(text, 'E')) return false;
  if (!take(text, '-')) take(text, '+');
  return digits() > 0 && text.empty();
}

/// Whole numbers become integers, as they print without ".0" on their way through Go's JSON.
std::optional<Json> parse_float(std::string_view text) {
  if (!looks_like_float(text)) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || !std::isfinite(value)) return std::nullopt;
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= exact) {
    return Json(static_cast<int64_t>(value));
  }
  return Json(value);
}

}  // namespace

Scalar resolve_plain(std::string_view text) {
  if (is_one_of(text, nulls)) return {ScalarType::null, nullptr};
  if (is_one_of(text, trues)) return {ScalarType::boolean, true};
  if (is_one_of(text, falses)) return {ScalarType::boolean, false};
  if (is_one_of(text, not_finite)) return {ScalarType::not_finite, nullptr};
  if (text == "<<") return {ScalarType::merge, nullptr};
  if (is_digit(text.front()) || text.front() == '-' || text.front() == '+' || text.front() == '.') {
    if (is_timestamp(text)) return {ScalarType::timestamp, std::string(text)};
    std::string plain(text);
    if (text.front() != '.') plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
    if (auto number = parse_integer(plain)) return {ScalarType::number, std::move(*number)};
    if (auto number = parse_float(plain)) return {ScalarType::number, std::move(*number)};
  }
  return {ScalarType::text, std::string(text)};
}

// ^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$
bool is_base60(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return false;
  if (!take(text, '-')) take(text, '+');
  if (text.empty() || !is_digit(text.front())) return false;
  while (!text.empty() && (is_digit(text.front()) || text.front() == '_')) text.remove_prefix(1);
  if (text.empty()) return false;
  while (take(text, ':')) {
    if (!take_number(text, 1, 2, 59)) return false;
  }
  if (take(text, '.')) {
    return text.find_first_not_of("0123456789_") == std::string_view::npos;
  }
  return text.empty();
}

size_t bad_utf8_at(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    size_t length = c < 0x80          ? 1
                    : (c >> 5U) == 6  ? 2
                    : (c >> 4U) == 14 ? 3
                    : (c >> 3U) == 30 ? 4
                                      : 0;
    if (length == 0 || i + length > text.size()) return i;
    uint32_t code = length == 1 ? c : c & (0xFFU >> (length + 1));
    for (size_t n = 1; n < length; ++n) {
      auto next = static_cast<unsigned char>(text[i + n]);
      if ((next & 0xC0U) != 0x80) return i;
      code = code << 6U | (next & 0x3FU);
    }
    // Longer than needed, a surrogate, or past the last plane.
    constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace hoplab::api
