#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::proc {

/// What `kubectl logs` may ask for. For --previous, give the path of the previous container's log.
struct LogQuery {
  bool timestamps = false;
  std::optional<int64_t> tail_lines;
  std::optional<WallTime> since;
  std::optional<int64_t> limit_bytes;
};

/// Reads a container's log back as plain text, across rotated files. A pull interface: the caller
/// decides where the text goes and how long to follow. Not thread-safe; no threads of its own.
///   HOP_TRY(auto reader, LogReader::open(path, query));
///   while (auto text = reader.read()) …   // until nullopt: nothing more now
///   reader.wait(Millis(1000));            // follow: returns when there may be more
class LogReader {
 public:
  /// `not_found` when there is no log at that path yet.
  static Result<LogReader> open(const std::string& path, const LogQuery& query);

  /// The next piece of text (up to about 64 KiB); nullopt when there is no more for now.
  Result<std::optional<std::string>> read();
  /// True once limit_bytes are read: there will never be more.
  [[nodiscard]] bool at_limit() const { return left_ && *left_ <= 0; }
  /// Blocks until the file may have grown or was rotated, or the time is up.
  void wait(Millis timeout);
  /// Readable when the log's directory entry or content changed (inotify), for a caller's own poll.
  [[nodiscard]] int fd() const { return watch_.get(); }

 private:
  LogReader(std::string path, LogQuery query)
      : path_(std::move(path)), query_(query), left_(query.limit_bytes) {}
  /// Opens PATH.n … PATH.1, PATH from the file after `newer_than` (an open one) on.
  Result<void> open_files(const Fd* newer_than);
  Result<void> skip_to_tail(int64_t lines);
  /// Fills buffer_; false at the end of what is there now.
  Result<bool> read_more();
  Result<bool> rotated() const;
  std::string take_lines();

  std::string path_;
  LogQuery query_;
  std::optional<int64_t> left_;
  std::deque<Fd> files_;  ///< Oldest first; the front one is being read.
  Fd watch_;
  std::string buffer_;
  bool line_open_ = false;  ///< The last entry was partial: the next one continues its line.
};

}  // namespace hoplab::proc
