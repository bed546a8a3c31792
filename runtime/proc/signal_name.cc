#include "runtime/proc/signal_name.h"

#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr int first_real_time = 34;
constexpr int last_real_time = 64;

constexpr std::pair<std::string_view, int> other_names[] = {
    {"cld", SIGCHLD}, {"io", SIGIO}, {"iot", SIGABRT}, {"unused", SIGSYS}};

std::optional<int> number_in(std::string_view text, int first, int last) {
  int number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number >= first && number <= last ? std::optional(number) : std::nullopt;
}

/// "rtmin+3" and "rtmax-1", without the first five letters.
std::optional<int> real_time(std::string_view rest, char sign, int base, int direction) {
  if (rest.empty()) return base;
  if (rest.front() != sign) return std::nullopt;
  auto step = number_in(rest.substr(1), 0, last_real_time - first_real_time);
  return step ? std::optional(base + direction * *step) : std::nullopt;
}

}  // namespace

std::optional<int> signal_number(std::string_view text) {
  if (auto number = number_in(text, 1, last_real_time)) return number;
  const std::string lower = to_lower(text);
  std::string_view name = lower;
  if (name.starts_with("sig")) name.remove_prefix(3);
  if (name.starts_with("rtmin")) return real_time(name.substr(5), '+', first_real_time, 1);
  if (name.starts_with("rtmax")) return real_time(name.substr(5), '-', last_real_time, -1);
  for (const auto& [other, number] : other_names) {
    if (other == name) return number;
  }
  for (int number = 1; number < 32; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && to_lower(known) == name) return number;
  }
  return std::nullopt;
}

}  // namespace hoplab::proc
