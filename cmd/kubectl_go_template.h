#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::cmd::kubectl {

/// Whose functions a template may call.
enum class TemplateFunctions {
  kubectl,
  docker,  ///< Also json, join, lower, upper, title, split, truncate.
};

/// A template of `-o go-template=`: text with actions in double braces, as Go's text/template has
/// them: {{.a.b}}, {{range $i, $x := .items}}…{{else}}…{{end}}, if, with, variables, pipelines, and
/// the functions and, or, not, eq, ne, lt, le, gt, ge, len, index, print, println, printf, exists,
/// base64decode. No {{define}} and {{template}}. Immutable after parsing; any thread.
class GoTemplate {
 public:
  /// Fails with `unsupported` and what is wrong.
  static Result<GoTemplate> parse(std::string_view text,
                                  TemplateFunctions functions = TemplateFunctions::kubectl);
  /// The template filled in; what is missing prints "<no value>". Fails with `unsupported` on a
  /// mistake that shows only now: a field of a text, an index past the end.
  [[nodiscard]] Result<std::string> print(const Json& data) const;

  struct Node;

 private:
  std::vector<std::shared_ptr<const Node>> nodes_;
};

}  // namespace hoplab::cmd::kubectl
