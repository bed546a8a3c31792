#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/error.h"

namespace hoplab {

enum class LogLevel { debug, info, warning, error };

/// Writes lines "2026-11-23T05:00:00Z WARN kube-proxy: text" to one descriptor. Cheap to copy and
/// thread-safe: each line is a single write(2). Passed in, never global.
class Log {
 public:
  /// `component` stands in every line; the descriptor is not owned.
  Log(std::string component, int fd = 2, LogLevel least = LogLevel::info);

  /// The same sink under a longer name: "agent" -> "agent/pods".
  [[nodiscard]] Log named(std::string_view part) const;
  [[nodiscard]] bool enabled(LogLevel level) const;

  void debug(std::string_view text) const { write(LogLevel::debug, text); }
  void info(std::string_view text) const { write(LogLevel::info, text); }
  void warning(std::string_view text) const { write(LogLevel::warning, text); }
  void error(std::string_view text) const { write(LogLevel::error, text); }
  void error(std::string_view doing, const Error& e) const;

 private:
  void write(LogLevel level, std::string_view text) const;

  std::string component_;
  int fd_;
  LogLevel least_;
};

}  // namespace hoplab
