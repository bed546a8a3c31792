#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::api {

/// One YAML document as JSON, with the line of every field ("spec.ports[0].port" -> 7).
struct YamlDocument {
  Json value;
  int line = 1;
  std::map<std::string, int, std::less<>> field_lines;
};

/// Reads every document of a text; empty ones are null values. Fails with `bad_request`
/// "web.yaml: line 7, column 3: …" for bad syntax, doubled keys, keys that are no scalars, invalid
/// UTF-8, nesting deeper than 200, and aliases that would blow the text up.
Result<std::vector<YamlDocument>> read_yaml(std::string_view text, std::string_view file);

}  // namespace hoplab::api
