#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "store/sqlite.h"

namespace hoplab {

struct LogOptions {
  Durability durability = Durability::normal;
  /// Upper bound of the file; a write past it fails as on a full disk. 0 = none.
  int64_t max_bytes = 0;
};

/// One line of the log: the state of a key from `revision` on. A deletion keeps the last value.
struct LogRow {
  int64_t revision = 0;
  std::string key;
  std::string value;
  int64_t created = 0;   ///< Revision at which the key came (back) into being.
  int64_t previous = 0;  ///< Revision of the key before this one; 0 when there was none.
  bool deleted = false;
  bool operator==(const LogRow&) const = default;
};

struct LogWrite {
  std::string key;
  std::string value;
  /// The key's revision that this write replaces; 0 = the key must not exist now; nullopt = any.
  std::optional<int64_t> expected = std::nullopt;
  bool remove = false;  ///< Needs an existing key; `value` is its last state, kept for watchers.
};

/// A row of after() with what it replaced.
struct LogChange {
  LogRow row;
  std::optional<std::string> before;  ///< Nullopt when the key did not exist.
};

/// Append-only log of keys and values in one SQLite file (WAL); the row number is the revision
/// (facts/style.md 16). One process owns the file, one call writes at a time; all calls are
/// thread-safe and readers do not wait for the writer. A returned write survives kill -9.
/// A file that is damaged, foreign or from a newer hoplab is refused and left as it was.
class RevisionLog {
 public:
  static Result<std::unique_ptr<RevisionLog>> open(const std::string& path, LogOptions options);
  RevisionLog(const RevisionLog&) = delete;
  RevisionLog& operator=(const RevisionLog&) = delete;
  ~RevisionLog();

  /// All writes in one transaction. A write whose expectation fails (`already_exists`,
  /// `not_found`, `conflict`) does not disturb the others; any other failure undoes all of them.
  Result<std::vector<Result<LogRow>>> append(std::span<const LogWrite> writes);

  /// The live row of the key at a revision (0 = now). `not_found`, `too_old`.
  Result<LogRow> get(const std::string& key, int64_t revision = 0);
  /// Live rows whose key starts with the prefix, sorted by key, as of a revision (0 = now).
  Result<std::vector<LogRow>> list(const std::string& prefix, int64_t revision = 0);
  /// At most `limit` rows with a higher revision, in order. `too_old` when some are compacted.
  Result<std::vector<LogChange>> after(int64_t revision, const std::string& prefix, int64_t limit);
  /// Forgets what only reads before `revision` could see; such reads are `too_old` from now on.
  Result<void> compact(int64_t revision);

  [[nodiscard]] int64_t revision() const { return revision_.load(); }
  [[nodiscard]] int64_t compacted() const { return compacted_.load(); }

 private:
  struct Writer;
  struct Reader;
  RevisionLog(Fd lock, std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader);
  Result<LogRow> append_one(const LogWrite& write);
  Result<void> compact_rows(int64_t revision);
  /// Whether the state at `revision` (0 = now) can still be read; whether all changes after it can.
  Result<void> check_readable(int64_t revision) const;
  Result<void> check_history(int64_t revision) const;

  Fd lock_;
  std::mutex writer_mutex_, reader_mutex_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Reader> reader_;
  std::atomic<int64_t> revision_ = 0, compacted_ = 0;
};

}  // namespace hoplab
