#include "runtime/proc/log_format.h"

#include <cstdio>
#include <ctime>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr int64_t nanos_per_second = 1'000'000'000;

/// "2026-11-23T05:00:00.123456789Z": seconds by base/clock, the fraction (any length) here.
std::optional<WallTime> parse_timestamp(std::string_view text) {
  auto dot = text.find('.');
  if (dot == std::string_view::npos || !text.ends_with('Z')) {
    auto whole = parse_rfc3339(text);
    return whole ? std::optional(*whole) : std::nullopt;
  }
  auto whole = parse_rfc3339(std::string(text.substr(0, dot)) + "Z");
  if (!whole) return std::nullopt;
  std::string_view digits = text.substr(dot + 1, text.size() - dot - 2);
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  int64_t nanos = 0;
  for (size_t i = 0; i < 9; ++i) {
    char c = i < digits.size() ? digits[i] : '0';
    if (c < '0' || c > '9') return std::nullopt;
    nanos = nanos * 10 + (c - '0');
  }
  return *whole + std::chrono::nanoseconds(nanos);
}

}  // namespace

std::string log_timestamp(WallTime time) {
  int64_t nanos = time.time_since_epoch().count();
  int64_t fraction = nanos % nanos_per_second;
  if (fraction < 0) fraction += nanos_per_second;
  time_t seconds = static_cast<time_t>((nanos - fraction) / nanos_per_second);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof(text) - length, ".%09dZ", static_cast<int>(fraction));
  return text;
}

std::string format_log_entry(const LogEntry& entry) {
  std::string line = log_timestamp(entry.time);
  line += entry.stream == LogStream::standard_error ? " stderr " : " stdout ";
  line += entry.partial ? "P " : "F ";
  line.append(entry.text).push_back('\n');
  return line;
}

std::optional<LogEntry> parse_log_entry(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto next_word = [&line] {
    auto space = line.find(' ');
    std::string_view word = line.substr(0, space);
    line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    return word;
  };
  LogEntry entry;
  auto time = parse_timestamp(next_word());
  std::string_view stream = next_word();
  std::string_view tag = next_word();
  if (!time || (stream != "stdout" && stream != "stderr") || (tag != "F" && tag != "P")) {
    return std::nullopt;
  }
  entry.time = *time;
  entry.stream = stream == "stderr" ? LogStream::standard_error : LogStream::standard_output;
  entry.partial = tag == "P";
  entry.text = line;
  return entry;
}

}  // namespace hoplab::proc
