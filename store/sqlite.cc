#include "store/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

Error sqlite_error(sqlite3* db, int status, std::string_view doing) {
  const char* file = db != nullptr ? sqlite3_db_filename(db, "main") : nullptr;
  const std::string what = str("store ", file != nullptr ? file : "", ": ", doing);
  switch (status & 0xff) {
    case SQLITE_FULL:
      return Error::from_errno(ENOSPC, what + " (nothing was changed; free some space)");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::internal,
              what +
                  ": the file is damaged; it was left as it was: restore it from a copy, or move "
                  "it away to start with an empty store"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::unavailable, what + ": another process is using the file"};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: {
      const int cause = db != nullptr ? sqlite3_system_errno(db) : 0;
      if (cause != 0) return Error::from_errno(cause, what);
      break;
    }
    case SQLITE_TOOBIG:
      return {ErrorCode::too_large, what + ": the value is too large"};
    default:
      break;
  }
  return {ErrorCode::system,
          what + ": " + (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(status))};
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int index, int64_t value) {
  const int status = sqlite3_bind_int64(statement_.get(), index, value);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";
  const int status =
      sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Result<bool> Statement::step() {
  sqlite3* db = sqlite3_db_handle(statement_.get());
  if (bind_status_ != SQLITE_OK) {
    const int status = std::exchange(bind_status_, SQLITE_OK);
    reset();
    return sqlite_error(db, status, "binding a value");
  }
  const int status = sqlite3_step(statement_.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = sqlite_error(db, status, sqlite3_sql(statement_.get()));
  reset();
  return error;
}

Result<void> Statement::run() {
  while (true) {
    HOP_TRY(const bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Database::Closer::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}

Result<Database> Database::open(const std::string& path, Durability durability) {
  sqlite3* raw = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int status = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database{std::unique_ptr<sqlite3, Closer>(raw), path};
  if (status != SQLITE_OK) return sqlite_error(raw, status, "opening").context(path);
  sqlite3_busy_timeout(raw, 5000);
  HOP_CHECK(database.execute(
      str("PRAGMA synchronous=", durability == Durability::full ? "FULL" : "NORMAL")));
  HOP_CHECK(database.execute("PRAGMA cache_size=-512"));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int status = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (status != SQLITE_OK) return sqlite_error(db_.get(), status, sql);
  return Statement(raw);
}

Result<void> Database::execute(const std::string& sql) {
  const int status = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return sqlite_error(db_.get(), status, sql);
  return {};
}

Result<int64_t> Database::query_integer(std::string_view sql) {
  HOP_TRY(Statement statement, prepare(sql));
  HOP_TRY(const bool row, statement.step());
  if (!row) return Error(ErrorCode::not_found, str("store ", path_, ": no row for ", sql));
  return statement.integer(0);
}

Result<std::string> Database::query_text(std::string_view sql) {
  HOP_TRY(Statement statement, prepare(sql));
  HOP_TRY(const bool row, statement.step());
  if (!row) return Error(ErrorCode::not_found, str("store ", path_, ": no row for ", sql));
  return std::string(statement.text(0));
}

Result<void> Database::set_checkpoint_on_close(bool on) {
  const int status =
      sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
  if (status != SQLITE_OK) return sqlite_error(db_.get(), status, "configuring");
  return {};
}

Result<Transaction> Transaction::begin(Database& database) {
  HOP_CHECK(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // A failure here means that SQLite has rolled back by itself already (as after a full disk).
  if (database_ != nullptr) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  HOP_CHECK(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace hoplab
