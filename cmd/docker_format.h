#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/kubectl_go_template.h"
#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"

/// How docker prints: sizes, ages, tables and --format. Pure.
namespace hoplab::cmd::docker {

/// "7.05MB": base 1000, three digits (go-units HumanSizeWithPrecision).
std::string human_size(uint64_t bytes);
/// "2 weeks", "About an hour" (go-units HumanDuration).
std::string human_duration(std::chrono::seconds age);
/// "2 weeks ago"; "N/A" when the time is not known.
std::string created_since(std::string_view created, WallTime now);

/// `invalid` with docker's words when the template is wrong.
Result<kubectl::GoTemplate> parse_format(std::string_view text);

/// A table's columns: the template field and its heading.
struct Column {
  std::string_view field;
  std::string_view heading;
};

/// Rows (JSON objects of strings) as `--format` wants them: "" or "table" is the default table of
/// `columns`; "table TEMPLATE", "json" and templates as docker has them. Every row ends with a new
/// line. Fails with the mistake in the template.
Result<std::string> print_rows(std::string_view format, const std::vector<Column>& columns,
                               const std::vector<Column>& all_columns,
                               const std::vector<Json>& rows);

}  // namespace hoplab::cmd::docker
