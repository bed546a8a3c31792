#include "store/revision_log.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "runtime/base/clock.h"
#include "runtime/base/text.h"
#include "store/migrations.h"

namespace hoplab {
namespace {

constexpr std::string_view newest_sql =
    "SELECT revision, key, value, created, previous, deleted FROM log "
    "WHERE key = ?1 AND revision <= ?2 ORDER BY revision DESC LIMIT 1";
constexpr std::string_view insert_sql =
    "INSERT INTO log (key, value, created, previous, deleted) VALUES (?1, ?2, ?3, ?4, ?5) "
    "RETURNING revision";
// A key's creation revision is its own row number, which is only known after the insert.
constexpr std::string_view created_sql = "UPDATE log SET created = revision WHERE revision = ?1";
constexpr std::string_view list_sql =
    "SELECT revision, key, value, created, previous, deleted FROM log WHERE revision IN "
    "(SELECT max(revision) FROM log WHERE key >= ?1 AND key < ?2 AND revision <= ?3 GROUP BY key) "
    "AND deleted = 0 ORDER BY key";
constexpr std::string_view after_sql =
    "SELECT l.revision, l.key, l.value, l.created, l.previous, l.deleted, p.value FROM log l "
    "LEFT JOIN log p ON p.revision = l.previous AND p.deleted = 0 "
    "WHERE l.revision > ?1 AND l.key >= ?2 AND l.key < ?3 ORDER BY l.revision LIMIT ?4";
constexpr std::string_view compact_sql =
    "DELETE FROM log WHERE revision <= ?1 AND (deleted = 1 OR EXISTS (SELECT 1 FROM log n "
    "WHERE n.key = log.key AND n.revision > log.revision AND n.revision <= ?1))";

LogRow read_row(const Statement& s) {
  return {.revision = s.integer(0),
          .key = std::string(s.text(1)),
          .value = std::string(s.text(2)),
          .created = s.integer(3),
          .previous = s.integer(4),
          .deleted = s.integer(5) != 0};
}

/// The first key past all keys with the prefix. Keys are UTF-8, so no byte 0xff occurs in them.
std::string past(const std::string& prefix) {
  return prefix + '\xff';
}

constexpr Millis lock_wait(2'000);

/// A server that was killed a moment ago may hold the file a little longer: the kernel lets go when
/// the last reference is gone, and whoever looks at /proc/PID/fd holds one, too.
Result<Fd> lock_file(const std::string& path) {
  const std::string lock_path = path + ".lock";
  HOP_TRY(Fd fd, open_fd(lock_path, O_RDWR | O_CREAT));
  const SteadyTime end = std::chrono::steady_clock::now() + lock_wait;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return Error::from_errno(errno, "locking " + lock_path);
    if (std::chrono::steady_clock::now() >= end) {
      return Error(ErrorCode::unavailable,
                   "store " + path + ": another hoplab server is using the file");
    }
    std::this_thread::sleep_for(Millis(10));
  }
  return fd;
}

}  // namespace

struct RevisionLog::Writer {
  Database database;
  Statement newest, insert, created, compact, mark;
};

struct RevisionLog::Reader {
  Database database;
  Statement newest, list, after;
};

RevisionLog::RevisionLog(Fd lock, std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader)
    : lock_(std::move(lock)), writer_(std::move(writer)), reader_(std::move(reader)) {}

RevisionLog::~RevisionLog() = default;

Result<std::unique_ptr<RevisionLog>> RevisionLog::open(const std::string& path,
                                                       LogOptions options) {
  HOP_TRY(Fd lock, lock_file(path));
  // Made here so that nobody else may read it: it holds secrets. SQLite's side files follow.
  HOP_CHECK(open_fd(path, O_RDWR | O_CREAT));
  HOP_TRY(Database db, Database::open(path, options.durability));
  HOP_CHECK(db.set_checkpoint_on_close(false));
  HOP_CHECK(check_store_file(db));
  HOP_CHECK(db.set_checkpoint_on_close(true));
  HOP_CHECK(db.execute("PRAGMA journal_mode=WAL"));
  if (options.max_bytes > 0) {
    HOP_TRY(const int64_t page, db.query_integer("PRAGMA page_size"));
    HOP_CHECK(
        db.execute(str("PRAGMA max_page_count=", std::max<int64_t>(1, options.max_bytes / page))));
  }
  HOP_CHECK(migrate_store(db));
  HOP_TRY(const int64_t compacted,
          db.query_integer("SELECT value FROM meta WHERE name = 'compacted'"));
  HOP_TRY(
      const int64_t revision,
      db.query_integer("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'log'), 0)"));
  HOP_TRY(Statement newest, db.prepare(newest_sql));
  HOP_TRY(Statement insert, db.prepare(insert_sql));
  HOP_TRY(Statement created, db.prepare(created_sql));
  HOP_TRY(Statement compact, db.prepare(compact_sql));
  HOP_TRY(Statement mark, db.prepare("UPDATE meta SET value = ?1 WHERE name = 'compacted'"));
  auto writer =
      std::unique_ptr<Writer>(new Writer{std::move(db), std::move(newest), std::move(insert),
                                         std::move(created), std::move(compact), std::move(mark)});
  HOP_TRY(Database read_db, Database::open(path, options.durability));
  HOP_TRY(Statement read_newest, read_db.prepare(newest_sql));
  HOP_TRY(Statement list, read_db.prepare(list_sql));
  HOP_TRY(Statement after, read_db.prepare(after_sql));
  auto reader = std::unique_ptr<Reader>(
      new Reader{std::move(read_db), std::move(read_newest), std::move(list), std::move(after)});
  std::unique_ptr<RevisionLog> log(
      new RevisionLog(std::move(lock), std::move(writer), std::move(reader)));
  log->revision_ = revision;
  log->compacted_ = compacted;
  return log;
}

Result<std::vector<Result<LogRow>>> RevisionLog::append(std::span<const LogWrite> writes) {
  std::lock_guard held(writer_mutex_);
  HOP_TRY(Transaction transaction, Transaction::begin(writer_->database));
  std::vector<Result<LogRow>> results;
  results.reserve(writes.size());
  int64_t newest = revision_;
  for (const LogWrite& write : writes) {
    Result<LogRow> row = append_one(write);
    if (row.ok()) {
      newest = row->revision;
    } else {
      const ErrorCode code = row.error().code();
      const bool expectation = code == ErrorCode::already_exists || code == ErrorCode::not_found ||
                               code == ErrorCode::conflict;
      if (!expectation) return std::move(row).error();
    }
    results.push_back(std::move(row));
  }
  HOP_CHECK(transaction.commit());
  revision_ = newest;
  return results;
}

Result<LogRow> RevisionLog::append_one(const LogWrite& write) {
  HOP_TRY(const bool known, writer_->newest.bind(1, write.key).bind(2, INT64_MAX).step());
  LogRow row{.key = write.key, .value = write.value, .deleted = write.remove};
  bool exists = false;
  if (known) {
    exists = writer_->newest.integer(5) == 0;
    row.previous = writer_->newest.integer(0);
    row.created = exists ? writer_->newest.integer(3) : 0;
  }
  writer_->newest.reset();
  const int64_t now = exists ? row.previous : 0;
  if (!exists && (write.remove || write.expected.value_or(0) != 0)) {
    return Error(ErrorCode::not_found, str("\"", write.key, "\" does not exist"));
  }
  if (write.expected.has_value() && *write.expected != now) {
    if (*write.expected == 0) {
      return Error(ErrorCode::already_exists, str("\"", write.key, "\" already exists"));
    }
    return Error(ErrorCode::conflict,
                 str("\"", write.key, "\" is at revision ", now, ", not ", *write.expected));
  }
  Statement& insert = writer_->insert;
  HOP_CHECK(insert.bind(1, write.key)
                .bind(2, write.value)
                .bind(3, row.created)
                .bind(4, row.previous)
                .bind(5, int64_t{write.remove})
                .step());
  row.revision = insert.integer(0);
  HOP_CHECK(insert.run());
  if (row.created == 0) {
    row.created = row.revision;
    HOP_CHECK(writer_->created.bind(1, row.revision).run());
  }
  return row;
}

Result<void> RevisionLog::check_readable(int64_t revision) const {
  return revision == 0 ? Result<void>() : check_history(revision);
}

Result<void> RevisionLog::check_history(int64_t revision) const {
  if (revision > revision_) {
    return Error(ErrorCode::timed_out,
                 str("Too large resource version: ", revision, ", current: ", revision_.load()));
  }
  if (revision >= compacted_) return {};
  return Error(ErrorCode::too_old, str("The resourceVersion for the provided watch is too old: ",
                                       revision, " (", compacted_.load(), ")"));
}

Result<LogRow> RevisionLog::get(const std::string& key, int64_t revision) {
  std::lock_guard held(reader_mutex_);
  HOP_CHECK(check_readable(revision));
  const int64_t at = revision != 0 ? revision : INT64_MAX;
  HOP_TRY(const bool known, reader_->newest.bind(1, key).bind(2, at).step());
  LogRow row;
  if (known) row = read_row(reader_->newest);
  reader_->newest.reset();
  HOP_CHECK(check_readable(revision));
  if (!known || row.deleted)
    return Error(ErrorCode::not_found, str("\"", key, "\" does not exist"));
  return row;
}

Result<std::vector<LogRow>> RevisionLog::list(const std::string& prefix, int64_t revision) {
  std::lock_guard held(reader_mutex_);
  HOP_CHECK(check_readable(revision));
  const int64_t at = revision != 0 ? revision : INT64_MAX;
  const std::string end = past(prefix);
  std::vector<LogRow> rows;
  reader_->list.bind(1, prefix).bind(2, end).bind(3, at);
  while (true) {
    HOP_TRY(const bool row, reader_->list.step());
    if (!row) break;
    rows.push_back(read_row(reader_->list));
  }
  // A compaction that ran meanwhile may have taken rows away from under the statement's start.
  HOP_CHECK(check_readable(revision));
  return rows;
}

Result<std::vector<LogChange>> RevisionLog::after(int64_t revision, const std::string& prefix,
                                                  int64_t limit) {
  std::lock_guard held(reader_mutex_);
  const std::string end = past(prefix);
  HOP_CHECK(check_history(revision));
  std::vector<LogChange> changes;
  reader_->after.bind(1, revision).bind(2, prefix).bind(3, end).bind(4, limit);
  while (true) {
    HOP_TRY(const bool row, reader_->after.step());
    if (!row) break;
    LogChange change{.row = read_row(reader_->after), .before = std::nullopt};
    if (!reader_->after.is_null(6)) change.before = std::string(reader_->after.text(6));
    changes.push_back(std::move(change));
  }
  HOP_CHECK(check_history(revision));
  return changes;
}

Result<void> RevisionLog::compact(int64_t revision) {
  std::lock_guard held(writer_mutex_);
  if (revision > revision_) {
    return Error(ErrorCode::bad_request, str("cannot compact to revision ", revision,
                                             ": the newest is ", revision_.load()));
  }
  if (revision <= compacted_) return {};
  // Readers must be refused before rows vanish: they look at the mark again when they are done.
  const int64_t old = compacted_.exchange(revision);
  Result<void> done = compact_rows(revision);
  if (!done) compacted_ = old;
  return done;
}

Result<void> RevisionLog::compact_rows(int64_t revision) {
  HOP_TRY(Transaction transaction, Transaction::begin(writer_->database));
  HOP_CHECK(writer_->mark.bind(1, revision).run());
  HOP_CHECK(writer_->compact.bind(1, revision).run());
  return transaction.commit();
}

}  // namespace hoplab
