#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/kubectl_jsonpath.h"

namespace hoplab::cmd::kubectl {

/// One step of a path.
struct PathStep {
  enum class Kind { field, every, slice, choices, descend, filter };
  Kind kind = Kind::field;
  std::string name;              ///< field; descend, where "" is everything.
  std::optional<int64_t> first;  ///< slice [first:last:step]
  std::optional<int64_t> last;
  int64_t step = 1;
  bool index = false;                          ///< [first]
  std::vector<std::vector<PathStep>> choices;  ///< ['a','b.c'], [0,2]: what each finds, in turn.
  // filter: left OP right; OP "" only asks whether left finds something.
  std::string op;
  std::vector<PathStep> left;
  std::vector<PathStep> right;
  std::optional<Json> literal;  ///< Instead of `right`.
};

struct JsonPath::Node {
  enum class Kind { text, path, range };
  Kind kind = Kind::text;
  std::string text;
  std::vector<PathStep> path;
  std::vector<std::shared_ptr<const Node>> body;  ///< range: up to its {end}.
};

/// "{.a.b}" without braces: ".a.b", "a.b", "$.a", "@.a", "..x". Fails with `unsupported` and what
/// is wrong, for the caller to say where.
Result<std::vector<PathStep>> parse_path(std::string_view text);

}  // namespace hoplab::cmd::kubectl
