#include "runtime/base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace hoplab {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::string format(WallTime time, bool micro) {
  auto since = time.time_since_epoch();
  auto whole = std::chrono::floor<seconds>(since);
  auto unix_seconds = static_cast<time_t>(whole.count());
  std::tm tm{};
  gmtime_r(&unix_seconds, &tm);
  std::array<char, 40> text{};
  size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &tm);
  std::string out(text.data(), n);
  if (micro) {
    auto us = duration_cast<microseconds>(since - whole).count();
    std::snprintf(text.data(), text.size(), ".%06ld", static_cast<long>(us));
    out += text.data();
  }
  return out + 'Z';
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  return format(time, false);
}

std::string to_rfc3339_micro(WallTime time) {
  return format(time, true);
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  Error bad(ErrorCode::invalid, "\"" + std::string(text) +
                                    "\" is not an RFC 3339 time in UTC of the years 1800 to 2160");
  std::string copy(text);
  std::tm tm{};
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (rest == nullptr || tm.tm_year + 1900 < 1800 || tm.tm_year + 1900 > 2160) return bad;
  nanoseconds fraction{0};
  if (*rest == '.') {
    int64_t unit = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) {
      fraction += nanoseconds((*rest - '0') * unit);
    }
  }
  if (std::string_view(rest) != "Z") return bad;
  return WallTime(seconds(timegm(&tm)) + fraction);
}

}  // namespace hoplab
