#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::cmd::kubectl {

/// A template of `-o jsonpath=`: text with expressions in braces, as kubectl's jsonpath has them:
/// {.a.b}, {.items[*].x}, [0], [-1], [1:3], [0,2], ['a','b'], ..name, [?(@.a=="b")], {range
/// …}{end}, {"\n"}. Immutable after parsing; any thread.
class JsonPath {
 public:
  static Result<JsonPath> parse(std::string_view text);
  /// A single path with the forms that --sort-by and custom-columns allow: `.a.b`, `a.b`, `{.a.b}`.
  static Result<JsonPath> parse_relaxed(std::string_view text);

  /// The template filled in; what is missing prints nothing. Fails with `unsupported` on a place
  /// that a list has not, and on a place in something that is no list.
  [[nodiscard]] Result<std::string> print(const Json& data) const;
  /// What the first path of the template finds. The values live as long as `data`.
  [[nodiscard]] std::vector<const Json*> find(const Json& data) const;

  struct Node;

 private:
  std::string text_;
  std::vector<std::shared_ptr<const Node>> nodes_;
};

/// A value as jsonpath prints it: strings bare, the rest as JSON.
std::string jsonpath_text(const Json& value);

}  // namespace hoplab::cmd::kubectl
