#include "store/api/selector.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "store/api/names.h"

namespace hoplab::api {

namespace {

/// Cuts "a in (x, y)" into words and the marks ( ) , = == != !.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { next(); }

  /// The word or mark at hand; empty at the end.
  [[nodiscard]] std::string_view token() const { return token_; }
  [[nodiscard]] bool is_word() const { return !token_.empty() && !is_mark(token_.front()); }
  [[nodiscard]] bool at_end() const { return token_.empty(); }

  std::string_view take() {
    std::string_view taken = token_;
    next();
    return taken;
  }

 private:
  static bool is_mark(char c) {
    return std::string_view("(),=!").find(c) != std::string_view::npos;
  }
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  void next() {
    while (!text_.empty() && is_blank(text_.front())) text_.remove_prefix(1);
    size_t length = 0;
    if (text_.starts_with("==") || text_.starts_with("!=")) {
      length = 2;
    } else if (!text_.empty() && is_mark(text_.front())) {
      length = 1;
    } else {
      while (length < text_.size() && !is_mark(text_[length]) && !is_blank(text_[length])) ++length;
    }
    token_ = text_.substr(0, length);
    text_.remove_prefix(length);
  }

  std::string_view text_;
  std::string_view token_;
};

Error bad_selector(std::string_view why) {
  return Error(ErrorCode::bad_request, str("unable to parse requirement: ", why));
}

Result<void> check_key(std::string_view key) {
  auto problems = qualified_name_problems(key);
  if (problems.empty()) return {};
  return bad_selector(str("key: Invalid value: \"", key, "\": ", join(problems, "; ")));
}

Result<void> check_value(std::string_view key, std::string_view value) {
  auto problems = label_value_problems(value);
  if (problems.empty()) return {};
  return bad_selector(
      str("values[", key, "]: Invalid value: \"", value, "\": ", join(problems, "; ")));
}

/// "(x, y)" with the bracket at hand; values may be empty as in "(x,)".
Result<std::vector<std::string>> parse_values(Lexer& lexer) {
  if (lexer.take() != "(") return bad_selector("expected '(' after in or notin");
  std::vector<std::string> values;
  for (;;) {
    values.emplace_back(lexer.is_word() ? lexer.take() : std::string_view());
    std::string_view mark = lexer.take();
    if (mark == ")") return values;
    if (mark != ",") return bad_selector(str("found '", mark, "', expected: ',' or ')'"));
  }
}

std::string as_text(const Json& value) {
  if (value.is_null()) return {};
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector out;
  Lexer lexer(text);
  if (lexer.at_end()) return out;
  for (;;) {
    Term term;
    bool negated = lexer.token() == "!";
    if (negated) lexer.take();
    if (!lexer.is_word()) {
      return bad_selector(
          str("found '", lexer.token(), "', expected: !, identifier, or 'end of string'"));
    }
    term.key = lexer.take();
    HOP_CHECK(check_key(term.key));
    std::string_view op = lexer.token();
    if (op.empty() || op == ",") {
      term.op = negated ? Operator::missing : Operator::exists;
    } else if (negated) {
      return bad_selector(str("found '", op, "', expected: ',' or 'end of string'"));
    } else if (op == "=" || op == "==" || op == "!=") {
      lexer.take();
      term.op = op == "!=" ? Operator::not_in : Operator::in;
      term.values.emplace_back(lexer.is_word() ? lexer.take() : std::string_view());
    } else if (op == "in" || op == "notin") {
      lexer.take();
      term.op = op == "in" ? Operator::in : Operator::not_in;
      HOP_TRY(term.values, parse_values(lexer));
    } else {
      return bad_selector(str("found '", op, "', expected: in, notin, =, ==, !="));
    }
    for (const auto& value : term.values) HOP_CHECK(check_value(term.key, value));
    out.terms_.push_back(std::move(term));
    if (lexer.at_end()) return out;
    if (lexer.take() != ",") return bad_selector("expected ',' between requirements");
  }
}

Result<LabelSelector> LabelSelector::from_json(const Json& selector) {
  LabelSelector out;
  if (selector.is_null()) {
    out.nothing_ = true;
    return out;
  }
  if (!selector.is_object()) return Error(ErrorCode::invalid, "a label selector must be an object");
  const Json& labels = member(selector, "matchLabels");
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) {
      out.terms_.push_back({key, Operator::in, {as_text(value)}});
    }
  }
  const Json& expressions = member(selector, "matchExpressions");
  if (!expressions.is_array()) return out;
  for (const Json& expression : expressions) {
    Term term{string_or(expression, "key"), Operator::in, {}};
    std::string op = string_or(expression, "operator");
    const Json& values = member(expression, "values");
    if (values.is_array()) {
      for (const Json& value : values) term.values.push_back(as_text(value));
    }
    if (op == "In" || op == "NotIn") {
      term.op = op == "In" ? Operator::in : Operator::not_in;
      if (term.values.empty()) {
        return Error(ErrorCode::invalid, str("for '", op, "' operator, values must be non-empty"));
      }
    } else if (op == "Exists" || op == "DoesNotExist") {
      term.op = op == "Exists" ? Operator::exists : Operator::missing;
      if (!term.values.empty()) {
        return Error(ErrorCode::invalid, str("for '", op, "' operator, values must be empty"));
      }
    } else {
      return Error(ErrorCode::invalid, str("\"", op, "\" is not a valid label selector operator"));
    }
    out.terms_.push_back(std::move(term));
  }
  return out;
}

LabelSelector LabelSelector::from_map(const Json& labels) {
  LabelSelector out;
  out.nothing_ = !labels.is_object() || labels.empty();
  if (out.nothing_) return out;
  for (const auto& [key, value] : labels.items()) {
    out.terms_.push_back({key, Operator::in, {as_text(value)}});
  }
  return out;
}

bool LabelSelector::matches(const Json& labels) const {
  if (nothing_) return false;
  return std::all_of(terms_.begin(), terms_.end(), [&labels](const Term& term) {
    const Json& value = member(labels, term.key);
    bool present = value.is_string();
    bool listed = present && std::find(term.values.begin(), term.values.end(),
                                       value.get_ref<const std::string&>()) != term.values.end();
    switch (term.op) {
      case Operator::in:
        return listed;
      case Operator::not_in:
        return !listed;
      case Operator::exists:
        return present;
      case Operator::missing:
        return !present;
    }
    return false;
  });
}

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector out;
  size_t at = 0;
  // `\,`, `\=` and `\\` stand for themselves inside a value.
  auto read_until = [&](std::string_view stops) {
    std::string part;
    for (; at < text.size() && stops.find(text[at]) == std::string_view::npos; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      part += text[at];
    }
    return part;
  };
  while (at < text.size()) {
    Term term;
    term.path = std::string(trim(read_until("=!,")));
    if (term.path.empty() && at < text.size() && text[at] == ',') {
      ++at;
      continue;
    }
    std::string_view rest = text.substr(at);
    term.equal = !rest.starts_with("!=");
    if (term.path.empty() || !(rest.starts_with("=") || !term.equal)) {
      return Error(ErrorCode::bad_request,
                   str("invalid field selector: \"", text,
                       "\"; expected path=value, path==value or path!=value"));
    }
    at += rest.starts_with("==") || !term.equal ? 2 : 1;
    term.value = read_until(",");
    ++at;
    out.terms_.push_back(std::move(term));
  }
  return out;
}

bool FieldSelector::matches(const Json& object) const {
  return std::all_of(terms_.begin(), terms_.end(), [&object](const Term& term) {
    return (as_text(at_path(object, term.path)) == term.value) == term.equal;
  });
}

}  // namespace hoplab::api
