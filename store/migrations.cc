#include "store/migrations.h"

#include <array>
#include <string_view>

#include "runtime/base/text.h"

namespace hoplab {
namespace {

/// Marks a SQLite file as ours: "hopl".
constexpr int64_t application_id = 0x686f706c;

/// Step n brings version n to n+1. Released steps never change.
constexpr std::array<std::string_view, 1> steps = {
    R"(CREATE TABLE log (
         revision INTEGER PRIMARY KEY AUTOINCREMENT,
         key TEXT NOT NULL,
         value TEXT NOT NULL,
         created INTEGER NOT NULL,
         previous INTEGER NOT NULL,
         deleted INTEGER NOT NULL);
       CREATE UNIQUE INDEX log_key_revision ON log (key, revision);
       CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
       INSERT INTO meta VALUES ('compacted', 0);)",
};

Error refused(const Database& database, std::string_view why) {
  return {ErrorCode::internal, str("store ", database.path(), ": ", why,
                                   "; it was left as it was: use another file or move it away")};
}

}  // namespace

int store_schema_version() {
  return static_cast<int>(steps.size());
}

Result<void> check_store_file(Database& database) {
  HOP_TRY(const int64_t version, database.query_integer("PRAGMA user_version"));
  HOP_TRY(const int64_t id, database.query_integer("PRAGMA application_id"));
  HOP_TRY(const int64_t tables, database.query_integer("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0 && version == 0) return {};
  if (id != application_id) return refused(database, "this is not a hoplab store");
  if (version > store_schema_version()) {
    return refused(database, str("written by a newer hoplab (schema version ", version,
                                 ", this one knows up to ", store_schema_version(), ")"));
  }
  HOP_TRY(const std::string verdict, database.query_text("PRAGMA integrity_check(1)"));
  if (verdict != "ok") return refused(database, "the file is damaged: " + verdict);
  return {};
}

Result<void> migrate_store(Database& database) {
  HOP_TRY(const int64_t version, database.query_integer("PRAGMA user_version"));
  for (auto step = static_cast<size_t>(version); step < steps.size(); ++step) {
    HOP_TRY(Transaction transaction, Transaction::begin(database));
    HOP_CHECK(database.execute(std::string(steps[step])));
    HOP_CHECK(database.execute(
        str("PRAGMA application_id=", application_id, "; PRAGMA user_version=", step + 1)));
    HOP_CHECK(transaction.commit());
  }
  return {};
}

}  // namespace hoplab
