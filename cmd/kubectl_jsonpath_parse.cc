#include "cmd/kubectl_jsonpath_parse.h"

#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr size_t deepest_nesting = 20;

Error bad_path(std::string what) {
  return {ErrorCode::unsupported, std::move(what)};
}

Error bad_index(std::string_view inner) {
  return bad_path(str("invalid array index ", inner));
}

/// The parts between commas that stand in no quotes.
std::vector<std::string_view> split_unquoted(std::string_view text) {
  std::vector<std::string_view> parts;
  char quote = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '\'' || text[i] == '"') {
      quote = text[i];
    } else if (text[i] == ',') {
      parts.push_back(trim(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  parts.push_back(trim(text.substr(begin)));
  return parts;
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
    if (depth_ > deepest_nesting) return bad_path("nested too deeply");
    if (at_ < text_.size() && (text_[at_] == '$' || text_[at_] == '@')) ++at_;
    std::vector<PathStep> steps;
    while (at_ < text_.size()) {
      HOP_TRY(PathStep step, next());
      if (step.kind == PathStep::Kind::field && step.name.empty()) continue;
      auto is_everything = [](const PathStep& one) {
        return one.kind == PathStep::Kind::descend && one.name.empty();
      };
      if (!steps.empty() && is_everything(steps.back()) && is_everything(step)) {
        return bad_path("invalid multiple recursive descent");
      }
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
      step.name = name();
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
    step.name = std::move(name);
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
    if (depth > 0) return bad_path("unterminated array");
    std::string_view inner = trim(text_.substr(at_ + 1, end - at_ - 2));
    at_ = end;
    if (inner.starts_with("?(") && inner.ends_with(')')) {
      return filter(inner.substr(2, inner.size() - 3));
    }
    return in_brackets(inner);
  }

  Result<PathStep> in_brackets(std::string_view inner) {
    const auto parts = split_unquoted(inner);
    if (parts.size() > 1) {
      PathStep step;
      step.kind = PathStep::Kind::choices;
      for (std::string_view part : parts) {
        HOP_TRY(PathStep choice, in_brackets(part));
        step.choices.push_back({std::move(choice)});
      }
      return step;
    }
    if (inner == "*") return step_of_name("*");
    if (inner.starts_with('\'') || inner.starts_with('"')) return quoted(inner);
    return slice(inner);
  }

  /// ['a.b'] is the path .a.b; a name with dots has backslashes before them.
  Result<PathStep> quoted(std::string_view inner) {
    if (inner.size() < 2 || inner.back() != inner[0]) return bad_index(inner);
    PathStep step;
    step.kind = PathStep::Kind::choices;
    HOP_TRY(auto path, PathParser(inner.substr(1, inner.size() - 2), depth_ + 1).run());
    if (path.empty()) return bad_index(inner);
    step.choices.push_back(std::move(path));
    return step;
  }

  Result<PathStep> slice(std::string_view inner) {
    PathStep step;
    step.kind = PathStep::Kind::slice;
    auto parts = split(inner, ':');
    if (parts.empty() || parts.size() > 3) return bad_index(inner);
    std::optional<int64_t> values[3];
    for (size_t i = 0; i < parts.size(); ++i) {
      values[i] = number_in(trim(parts[i]));
      if (!values[i] && !(parts.size() > 1 && trim(parts[i]).empty())) {
        return bad_index(inner);
      }
    }
    step.first = values[0];
    step.last = values[1];
    step.step = values[2].value_or(1);
    step.index = parts.size() == 1;
    if (step.step < 1) return bad_path("step must be > 0");
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
    if (step.op == "=" || step.op == "!") return bad_path("unrecognized filter operator");
    HOP_TRY(step.left, PathParser(trim(inner.substr(0, at)), depth_ + 1).run());
    if (step.op.empty()) return step;
    const std::string_view right = trim(rest.substr(step.op.size()));
    return right_side(std::move(step), right);
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
