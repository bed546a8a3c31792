#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"
#include "runtime/proc/log_format.h"

namespace hoplab::proc {

/// Writes one container's output as CRI log lines and rotates by size: PATH, PATH.1 (newest) …
/// A full disk loses lines but never stops the container; `failure()` then says why, once.
/// Not thread-safe.
class LogWriter {
 public:
  /// Opens (appends to) `spec.path`, making its directories. An empty path gives a writer that
  /// drops everything.
  static Result<LogWriter> open(const LogSpec& spec);

  /// Bytes as they come; whole lines are written at once, the rest waits for its newline.
  void write(LogStream stream, std::string_view bytes, WallTime now);
  /// Writes unfinished lines, when the container is gone.
  void finish(WallTime now);
  /// The error that first kept a line from the disk since the last call; empty when none.
  [[nodiscard]] std::string take_failure();

 private:
  void emit(LogStream stream, bool partial, std::string_view text, WallTime now);
  void flush_batch();
  Result<void> rotate();
  std::string& pending(LogStream stream) {
    return stream == LogStream::standard_error ? pending_error_ : pending_output_;
  }

  LogSpec spec_;
  Fd fd_;
  int64_t size_ = 0;
  std::string pending_output_;
  std::string pending_error_;
  std::string batch_;
  std::string failure_;
};

}  // namespace hoplab::proc
