#include "runtime/base/log.h"

#include <unistd.h>

namespace hoplab {

namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "DEBUG";
    case LogLevel::info:
      return "INFO";
    case LogLevel::warning:
      return "WARN";
    case LogLevel::error:
      return "ERROR";
  }
  return "?";
}

}  // namespace

Log::Log(std::string component, int fd, LogLevel least)
    : component_(std::move(component)), fd_(fd), least_(least) {}

Log Log::named(std::string_view part) const {
  return Log(component_ + "/" + std::string(part), fd_, least_);
}

bool Log::enabled(LogLevel level) const {
  return level >= least_;
}

void Log::error(std::string_view doing, const Error& e) const {
  write(LogLevel::error, std::string(doing) + ": " + e.message());
}

void Log::write(LogLevel level, std::string_view text) const {
  if (!enabled(level)) return;
  std::string line = to_rfc3339(SystemClock().wall());
  line.append(" ").append(name_of(level)).append(" ").append(component_).append(": ");
  line.append(text).append("\n");
  // A log line that cannot be written has nowhere else to go.
  [[maybe_unused]] ssize_t n = ::write(fd_, line.data(), line.size());
}

}  // namespace hoplab
