#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::api {

/// One document of a manifest file.
struct ManifestDocument {
  Json object;   ///< Has apiVersion and kind.
  int line = 1;  ///< Where the document starts, for messages.
  /// Line of every field, "spec.ports[0].port" -> 7. Empty when the file was JSON.
  std::map<std::string, int, std::less<>> field_lines;

  /// The line of a field path as in ErrorCause, or of the nearest field above it, or `line`.
  [[nodiscard]] int line_of(std::string_view field) const;
};

/// Reads YAML with one or more documents, or JSON; `List` kinds are unfolded; empty documents are
/// skipped. Scalars mean what kubectl takes them for (YAML 1.1 booleans, octal numbers; dates stay
/// text). Errors are `bad_request` and name file, line and column. `file` is only for messages.
Result<std::vector<ManifestDocument>> parse_manifest(std::string_view text, std::string_view file);
/// One YAML value (a cluster file, a config); null for an empty text.
Result<Json> parse_yaml(std::string_view text, std::string_view file);
/// As `kubectl -o yaml` prints: sorted keys, two spaces, lists not indented, long lines folded.
std::string to_yaml(const Json& value);

}  // namespace hoplab::api
