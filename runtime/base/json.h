#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab {

/// The one JSON value type. Keys are sorted, as the Kubernetes tools print them.
/// nlohmann's throwing accessors (`at`, `get<T>` on a wrong type) are for data we made ourselves;
/// data from outside goes through `parse_json` and the readers below, which never throw.
using Json = nlohmann::json;

/// Parses one JSON text. Fails with `bad_request` naming line and column, also for nesting deeper
/// than 200 levels, duplicate text after the value, and invalid UTF-8.
Result<Json> parse_json(std::string_view text);

/// Compact text. Invalid UTF-8 in strings is replaced, never thrown about.
std::string dump_json(const Json& value);
/// Indented by four spaces, as `kubectl -o json` prints.
std::string dump_json_pretty(const Json& value);

/// The member, or a shared null value when `object` is not an object or has no such key.
const Json& member(const Json& object, std::string_view key);
/// Follows "spec.template.metadata"; null where the path ends early. Keys with dots: use `member`.
const Json& at_path(const Json& object, std::string_view dotted_path);
/// The string member, or `fallback` when it is missing or no string.
std::string string_or(const Json& object, std::string_view key, std::string_view fallback = {});
int64_t int_or(const Json& object, std::string_view key, int64_t fallback = 0);
bool bool_or(const Json& object, std::string_view key, bool fallback = false);

}  // namespace hoplab
