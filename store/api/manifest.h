#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::api {

/// One document of a manifest file.
struct ManifestDocument {
  Json object;
  int line = 1;  ///< Where the document starts, for messages.
};

/// Reads YAML with one or more documents, or JSON; `List` kinds are unfolded. Errors name file,
/// line and column. `file` is only for messages.
Result<std::vector<ManifestDocument>> parse_manifest(std::string_view text, std::string_view file);
/// One YAML value (a cluster file, a config).
Result<Json> parse_yaml(std::string_view text, std::string_view file);
/// As `kubectl -o yaml` prints: sorted keys, two spaces, lists not indented.
std::string to_yaml(const Json& value);

}  // namespace hoplab::api
