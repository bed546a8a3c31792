#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/base/result.h"

namespace hoplab {

using Millis = std::chrono::milliseconds;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Time as the code under test sees it. Thread-safe.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

/// A number from outside as a span that can be added to any time without overflow: a hundred years
/// at most, either way.
constexpr std::chrono::seconds bounded_seconds(int64_t number) {
  constexpr int64_t century = int64_t{100} * 365 * 86'400;
  return std::chrono::seconds(std::clamp(number, -century, century));
}

/// A clock that stands still until it is moved. For tests; not thread-safe.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override { return WallTime{} + offset_; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime{} + offset_; }
  void advance(std::chrono::nanoseconds by) { offset_ += by; }

 private:
  std::chrono::nanoseconds offset_ = std::chrono::hours(24 * 365 * 50);
};

/// RFC 3339 in UTC with whole seconds, "2026-11-23T05:00:00Z", as Kubernetes objects carry.
std::string to_rfc3339(WallTime time);
/// With six digits of microseconds (Lease, Event series).
std::string to_rfc3339_micro(WallTime time);
/// Reads either form. Years 1800 to 2160, so that spans of bounded_seconds() may be added.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace hoplab
