#include "cmd/kubectl_jsonpath_parse.h"

#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr size_t deepest_nesting = 20;

Error bad_path(std::string_view what, std::string_view text) {
  return {ErrorCode::unsupported, str("error parsing jsonpath ", text, ", ", what)};
}

std::optional<int64_t> number_in(std::string_view text) {
  int64_t value = 0;
  auto [stopped, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || stopped != text.data() + text.size()) return std::nullopt;
  return value;
}

class PathParser {
 public:
  PathParser(std::string_view text, size_t depth) : text_(text), depth_(depth) {}

  Result<std::vector<PathStep>> run() {
    if (depth_ > deepest_nesting) return bad_path("nested too deeply", text_);
    if (at_ < text_.size() && (text_[at_] == '$' || text_[at_] == '@')) ++at_;
    std::vector<PathStep> steps;
    while (at_ < text_.size()) {
      HOP_TRY(PathStep step, next());
      if (step.kind == PathStep::Kind::field && step.names[0].empty()) continue;
      steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  Result<PathStep> next() {
    PathStep step;
    if (text_.substr(at_).starts_with("..")) {
      at_ += 2;
      step.kind = PathStep::Kind::descend;
      if (at_ < text_.size() && text_[at_] == '[') return step;
      step.names = {name()};
      return step;
    }
    if (text_[at_] == '[') return bracket();
    if (text_[at_] == '.') ++at_;
    if (at_ < text_.size() && text_[at_] == '[') return step_of_name("");
    return step_of_name(name());
  }

  static PathStep step_of_name(std::string name) {
    PathStep step;
    if (name == "*") step.kind = PathStep::Kind::every;
    step.names = {std::move(name)};
    return step;
  }

  std::string name() {
    std::string out;
    while (at_ < text_.size() && text_[at_] != '.' && text_[at_] != '[') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_++];
    }
    return out;
  }

  Result<PathStep> bracket() {
    size_t end = at_ + 1;
    size_t depth = 1;
    char quote = 0;
    for (; end < text_.size() && depth > 0; ++end) {
      char c = text_[end];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '[') {
        ++depth;
      } else if (c == ']') {
        --depth;
      }
    }
    if (depth > 0) return bad_path("unterminated array", text_);
    std::string_view inner = trim(text_.substr(at_ + 1, end - at_ - 2));
    at_ = end;
    if (inner.starts_with("?(") && inner.ends_with(')')) {
      return filter(inner.substr(2, inner.size() - 3));
    }
    if (inner == "*") return step_of_name("*");
    if (inner.starts_with('\'') || inner.starts_with('"')) return names(inner);
    return slice(inner);
  }

  Result<PathStep> names(std::string_view inner) {
    PathStep step;
    step.kind = PathStep::Kind::names;
    while (!inner.empty()) {
      char quote = inner[0];
      size_t end = 1;
      std::string one;
      for (; end < inner.size() && inner[end] != quote; ++end) {
        if (inner[end] == '\\' && end + 1 < inner.size()) ++end;
        one += inner[end];
      }
      if ((quote != '\'' && quote != '"') || end == inner.size()) {
        return bad_path(str("invalid array index ", inner), text_);
      }
      step.names.push_back(std::move(one));
      inner = trim(inner.substr(end + 1));
      if (inner.starts_with(',')) inner = trim(inner.substr(1));
    }
    return step;
  }

  Result<PathStep> slice(std::string_view inner) {
    PathStep step;
    step.kind = PathStep::Kind::slice;
    auto parts = split(inner, ':');
    if (parts.empty() || parts.size() > 3)
      return bad_path("invalid array index " + std::string(inner), text_);
    std::optional<int64_t> values[3];
    for (size_t i = 0; i < parts.size(); ++i) {
      values[i] = number_in(trim(parts[i]));
      if (!values[i] && !(parts.size() > 1 && trim(parts[i]).empty())) {
        return bad_path("invalid array index " + std::string(inner), text_);
      }
    }
    step.first = values[0];
    step.last = values[1];
    step.step = values[2].value_or(1);
    step.index = parts.size() == 1;
    if (step.step < 1) return bad_path("step must be > 0", text_);
    return step;
  }

  Result<PathStep> filter(std::string_view inner) {
    PathStep step;
    step.kind = PathStep::Kind::filter;
    char quote = 0;
    size_t at = 0;
    for (; at < inner.size(); ++at) {
      char c = inner[at];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == '=' || c == '!' || c == '<' || c == '>') {
        break;
      }
    }
    std::string_view rest = inner.substr(at);
    if (!rest.empty()) step.op = rest.substr(0, rest.size() > 1 && rest[1] == '=' ? 2 : 1);
    if (step.op == "=" || step.op == "!") return bad_path("unrecognized filter operator", text_);
    HOP_TRY(step.left, PathParser(trim(inner.substr(0, at)), depth_ + 1).run());
    if (step.op.empty()) return step;
    return right_side(std::move(step), trim(rest.substr(step.op.size())));
  }

  Result<PathStep> right_side(PathStep step, std::string_view right) {
    if (right.size() >= 2 && (right[0] == '\'' || right[0] == '"') && right.back() == right[0]) {
      step.literal = Json(std::string(right.substr(1, right.size() - 2)));
    } else if (right == "true" || right == "false") {
      step.literal = Json(right == "true");
    } else if (auto number = number_in(right)) {
      step.literal = Json(*number);
    } else {
      HOP_TRY(step.right, PathParser(right, depth_ + 1).run());
    }
    return step;
  }

  std::string_view text_;
  size_t depth_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<PathStep>> parse_path(std::string_view text) {
  return PathParser(text, 0).run();
}

}  // namespace hoplab::cmd::kubectl
