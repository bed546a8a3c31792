#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/clock.h"

/// The CRI's log format, as in /var/log/pods on any node:
///   2026-11-23T05:00:00.123456789Z stdout F the line
/// P instead of F marks a piece of a line longer than max_log_line: the next entry of the stream
/// continues it.
namespace hoplab::proc {

enum class LogStream { standard_output, standard_error };

inline constexpr size_t max_log_line = 16U << 10U;

struct LogEntry {
  WallTime time;
  LogStream stream = LogStream::standard_output;
  bool partial = false;
  std::string_view text;  ///< Without the newline.
};

/// RFC 3339 with nine digits, UTC.
std::string log_timestamp(WallTime time);
/// The whole line with its newline.
std::string format_log_entry(const LogEntry& entry);
/// Reads one line (with or without newline). Nullopt when it is no such line.
std::optional<LogEntry> parse_log_entry(std::string_view line);

}  // namespace hoplab::proc
