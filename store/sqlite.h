#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace hoplab {

/// When a commit is on the disk. Both survive kill -9; only `full` survives a power cut.
enum class Durability { normal, full };

/// One prepared statement. Not thread-safe, like the Database it belongs to and must not outlive.
/// Bound text is not copied: it must live until step() has returned.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  /// Parameters count from 1. A refused value is reported by the next step().
  Statement& bind(int index, int64_t value);
  Statement& bind(int index, std::string_view text);
  /// True while there is a row to read; false at the end (the statement is then reset).
  Result<bool> step();
  /// Runs to the end, ignoring rows.
  Result<void> run();
  /// Ready for new values; also after a failed step().
  void reset();

  [[nodiscard]] int64_t integer(int column) const;
  /// Valid until the next step() or reset().
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bind_status_ = 0;
};

/// One connection to a SQLite file. Use from one thread at a time. Errors name the file and say
/// what to do: full disk (ENOSPC), damaged file, file in use.
class Database {
 public:
  /// Opens or creates. Nothing is written to the file before the first statement that writes.
  static Result<Database> open(const std::string& path, Durability durability);

  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// Runs one or more statements without parameters.
  Result<void> execute(const std::string& sql);
  /// First column of the first row; fails when there is none.
  Result<int64_t> query_integer(std::string_view sql);
  Result<std::string> query_text(std::string_view sql);
  /// False while a file is only being looked at: closing it then leaves its write-ahead log alone.
  Result<void> set_checkpoint_on_close(bool on);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(sqlite3* db) const;
  };
  Database(std::unique_ptr<sqlite3, Closer> db, std::string path)
      : db_(std::move(db)), path_(std::move(path)) {}

  std::unique_ptr<sqlite3, Closer> db_;
  std::string path_;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hoplab
