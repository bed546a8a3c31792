#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl_go_template.h"

namespace hoplab::cmd::kubectl {

struct TemplatePipe;

/// One word of a command: a value, a field path of something, or a function's name.
struct TemplateTerm {
  enum class Kind { literal, dot, variable, function, pipe };
  Kind kind = Kind::literal;
  Json literal;
  std::string name;                           ///< Of the variable ("$" is the root) or function.
  std::vector<std::string> path;              ///< ".a.b" behind it.
  std::shared_ptr<const TemplatePipe> inner;  ///< "( … )"
};

/// `$x := a b | c`: each command is a function (or one value) with its arguments.
struct TemplatePipe {
  std::vector<std::string> variables;  ///< "$k", "$v"
  bool declares = false;               ///< ":=" and not "=".
  std::vector<std::vector<TemplateTerm>> commands;
};

struct GoTemplate::Node {
  enum class Kind { text, output, branch, range, with };
  Kind kind = Kind::text;
  std::string text;
  TemplatePipe pipe;
  std::vector<std::shared_ptr<const Node>> body;
  std::vector<std::shared_ptr<const Node>> other;  ///< {{else}}
};

Result<std::vector<std::shared_ptr<const GoTemplate::Node>>> parse_template(
    std::string_view text, TemplateFunctions functions);

}  // namespace hoplab::cmd::kubectl
