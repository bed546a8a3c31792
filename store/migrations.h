#pragma once

#include "runtime/base/result.h"
#include "store/sqlite.h"

namespace hoplab {

/// Looks whether the file is a whole store of this or an older version, without changing it; an
/// empty file is fine. Errors say what the file is and that it was left alone.
Result<void> check_store_file(Database& database);
/// Brings the file to the current schema, one transaction per step (`PRAGMA user_version`).
Result<void> migrate_store(Database& database);
/// The schema version this program writes.
int store_schema_version();

}  // namespace hoplab
