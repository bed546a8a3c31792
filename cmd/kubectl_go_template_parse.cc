#include "cmd/kubectl_go_template_parse.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

using Nodes = std::vector<std::shared_ptr<const GoTemplate::Node>>;

constexpr size_t deepest_nesting = 50;
constexpr std::array<std::string_view, 17> functions{
    "and", "or",    "not",   "eq",      "ne",     "lt",     "le",           "gt",  "ge",
    "len", "index", "print", "println", "printf", "exists", "base64decode", "html"};
// docker/cli, templates/templates.go
constexpr std::array<std::string_view, 7> docker_functions{"json",  "join",  "lower",   "upper",
                                                           "title", "split", "truncate"};

bool is_function(std::string_view word, TemplateFunctions dialect) {
  return std::find(functions.begin(), functions.end(), word) != functions.end() ||
         (dialect == TemplateFunctions::docker &&
          std::find(docker_functions.begin(), docker_functions.end(), word) !=
              docker_functions.end());
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, TemplateFunctions dialect) : text_(text), functions_(dialect) {}

  Result<Nodes> run() {
    HOP_TRY(Nodes nodes, block(false, 0));
    return nodes;
  }

 private:
  Error wrong(std::string_view what) const {
    const auto line = std::count(text_.begin(), text_.begin() + static_cast<long>(at_), '\n') + 1;
    return {ErrorCode::unsupported, str("template: output:", line, ": ", what)};
  }

  /// Nodes up to {{end}} or {{else…}} (whose word is left in `ended_by_`) or the end of the text.
  Result<Nodes> block(bool inside, size_t depth) {
    if (depth > deepest_nesting) return wrong("nested too deeply");
    Nodes nodes;
    for (;;) {
      const size_t open = std::min(text_.find("{{", at_), text_.size());
      add_text(text_.substr(at_, open - at_), text_.substr(open).starts_with("{{- "), nodes);
      at_ = open;
      if (at_ == text_.size()) {
        if (inside) return wrong("unexpected EOF");
        return nodes;
      }
      HOP_CHECK(read_action());
      if (action_.starts_with("/*")) continue;
      const std::string_view word = action_.substr(0, action_.find(' '));
      if (word == "end" || word == "else") {
        if (!inside) return wrong(str("unexpected {{", word, "}}"));
        return nodes;
      }
      HOP_TRY(auto node, action(word, depth));
      nodes.push_back(std::move(node));
    }
  }

  void add_text(std::string_view text, bool trim_end, Nodes& nodes) {
    if (trim_start_) text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (trim_end) text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    trim_start_ = false;
    if (text.empty()) return;
    auto node = std::make_shared<GoTemplate::Node>();
    node->text = text;
    nodes.push_back(std::move(node));
  }

  /// Puts what stands in the braces at `at_` into `action_`.
  Result<void> read_action() {
    size_t end = at_ + 2;
    char quote = 0;
    for (; end < text_.size(); ++end) {
      const char c = text_[end];
      if (quote != 0) {
        if (c == '\\' && quote == '"') {
          ++end;
        } else if (c == quote) {
          quote = 0;
        }
      } else if (c == '"' || c == '`') {
        quote = c;
      } else if (text_.substr(end).starts_with("}}")) {
        break;
      }
    }
    if (end >= text_.size())
      return wrong(quote != 0 ? "unterminated quoted string" : "unclosed action");
    action_ = text_.substr(at_ + 2, end - at_ - 2);
    if (action_.starts_with("- ")) action_.remove_prefix(1);
    trim_start_ = action_.ends_with(" -");
    if (trim_start_) action_.remove_suffix(1);
    action_ = trim(action_);
    at_ = end + 2;
    return {};
  }

  Result<std::shared_ptr<GoTemplate::Node>> action(std::string_view word, size_t depth) {
    using Kind = GoTemplate::Node::Kind;
    auto node = std::make_shared<GoTemplate::Node>();
    node->kind = word == "if"      ? Kind::branch
                 : word == "range" ? Kind::range
                 : word == "with"  ? Kind::with
                                   : Kind::output;
    if (node->kind != Kind::output) action_.remove_prefix(word.size());
    rest_ = trim(action_);
    if (rest_.empty()) {
      return wrong(node->kind == Kind::output ? "missing value for command"
                                              : str("missing value for ", word));
    }
    HOP_TRY(node->pipe, pipe(depth));
    if (!rest_.empty()) return wrong(str("unexpected \"", rest_.substr(0, 1), "\" in operand"));
    if (node->kind == Kind::output) return node;
    HOP_TRY(node->body, block(true, depth + 1));
    if (action_ == "end") return node;
    const std::string_view chained = trim(action_.substr(4));
    if (chained.starts_with("if ")) {  // {{else if x}} is an {{if x}} in the else, with one end.
      action_ = chained;
      HOP_TRY(auto inner, action("if", depth + 1));
      node->other.push_back(std::move(inner));
      return node;
    }
    if (!chained.empty()) return wrong(str("unexpected <", chained, "> in else"));
    HOP_TRY(node->other, block(true, depth + 1));
    if (action_ != "end") return wrong("expected end; found {{else}}");
    return node;
  }

  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
  }

  std::string take_word() {
    size_t end = 0;
    while (end < rest_.size() && is_word(rest_[end])) ++end;
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return word;
  }

  Result<TemplatePipe> pipe(size_t depth) {
    if (depth > deepest_nesting) return wrong("nested too deeply");
    TemplatePipe out;
    HOP_CHECK(declarations(out));
    out.commands.emplace_back();
    for (skip_blanks(); !rest_.empty() && rest_[0] != ')'; skip_blanks()) {
      if (rest_[0] == '|') {
        rest_.remove_prefix(1);
        if (out.commands.back().empty()) return wrong("missing value for command");
        out.commands.emplace_back();
        continue;
      }
      HOP_TRY(TemplateTerm one, term(depth));
      out.commands.back().push_back(std::move(one));
    }
    if (out.commands.back().empty()) return wrong("missing value for command");
    return out;
  }

  /// "$x :=", "$k, $v :=", "$x =".
  Result<void> declarations(TemplatePipe& out) {
    std::string_view rest = rest_;
    std::vector<std::string> names;
    while (rest.starts_with('$')) {
      size_t end = 1;
      while (end < rest.size() && is_word(rest[end])) ++end;
      names.emplace_back(rest.substr(0, end));
      rest = trim(rest.substr(end));
      if (!rest.starts_with(',')) break;
      rest = trim(rest.substr(1));
    }
    const bool declares = rest.starts_with(":=");
    if (names.empty() || (!declares && !rest.starts_with('='))) return {};
    if (names.size() > 2) return wrong("too many declarations in command");
    out.variables = std::move(names);
    out.declares = declares;
    rest_ = rest.substr(declares ? 2 : 1);
    return {};
  }

  Result<TemplateTerm> term(size_t depth) {
    TemplateTerm out;
    const char c = rest_[0];
    if (c == '(') {
      rest_.remove_prefix(1);
      HOP_TRY(TemplatePipe inner, pipe(depth + 1));
      if (!rest_.starts_with(')')) return wrong("unclosed left paren");
      rest_.remove_prefix(1);
      out.kind = TemplateTerm::Kind::pipe;
      out.inner = std::make_shared<const TemplatePipe>(std::move(inner));
    } else if (c == '.') {
      out.kind = TemplateTerm::Kind::dot;
    } else if (c == '$') {
      rest_.remove_prefix(1);
      out.kind = TemplateTerm::Kind::variable;
      out.name = "$" + take_word();
    } else if (c == '"' || c == '`') {
      HOP_TRY(out.literal, quoted());
      return out;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-') {
      HOP_TRY(out.literal, number());
      return out;
    } else {
      return word_term();
    }
    path(out);
    return out;
  }

  void path(TemplateTerm& out) {
    while (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      std::string name = take_word();
      if (!name.empty()) out.path.push_back(std::move(name));
    }
  }

  Result<TemplateTerm> word_term() {
    TemplateTerm out;
    std::string word = take_word();
    if (word.empty()) return wrong(str("unexpected \"", rest_.substr(0, 1), "\" in command"));
    if (word == "true" || word == "false") {
      out.literal = Json(word == "true");
    } else if (word != "nil") {
      if (!is_function(word, functions_)) {
        return wrong(str("function \"", word, "\" not defined"));
      }
      out.kind = TemplateTerm::Kind::function;
      out.name = std::move(word);
    }
    return out;
  }

  Result<Json> quoted() {
    const char quote = rest_[0];
    std::string out;
    size_t i = 1;
    for (; i < rest_.size() && rest_[i] != quote; ++i) {
      if (rest_[i] != '\\' || quote == '`' || i + 1 == rest_.size()) {
        out += rest_[i];
        continue;
      }
      const char c = rest_[++i];
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
    return Json(std::move(out));
  }

  Result<Json> number() {
    const size_t size = std::min(rest_.find_first_not_of("+-.0123456789eE"), rest_.size());
    const std::string_view digits = rest_.substr(0, size);
    rest_.remove_prefix(size);
    const char* const end = digits.data() + size;
    int64_t whole = 0;
    if (auto read = std::from_chars(digits.data(), end, whole);
        read.ptr == end && read.ec == std::errc()) {
      return Json(whole);
    }
    double value = 0;
    if (auto read = std::from_chars(digits.data(), end, value);
        read.ptr == end && read.ec == std::errc()) {
      return Json(value);
    }
    return wrong(str("bad number syntax: \"", digits, "\""));
  }

  std::string_view text_;
  TemplateFunctions functions_;
  size_t at_ = 0;
  std::string_view action_;
  std::string_view rest_;  ///< What is left of the action.
  bool trim_start_ = false;
};

}  // namespace

Result<Nodes> parse_template(std::string_view text, TemplateFunctions dialect) {
  return Parser(text, dialect).run();
}

}  // namespace hoplab::cmd::kubectl
