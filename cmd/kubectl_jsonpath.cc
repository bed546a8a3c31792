#include "cmd/kubectl_jsonpath.h"

#include <algorithm>

#include "cmd/kubectl_jsonpath_parse.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr size_t deepest_ranges = 50;

using Values = std::vector<const Json*>;
using Node = JsonPath::Node;
using Nodes = std::vector<std::shared_ptr<const Node>>;

void add_member(const Json& value, const std::string& name, Values& out) {
  if (!value.is_object()) return;
  auto it = value.find(name);
  if (it != value.end()) out.push_back(&*it);
}

void add_children(const Json& value, Values& out) {
  if (!value.is_structured()) return;
  for (const Json& child : value) out.push_back(&child);
}

void descend(const Json& value, const std::string& name, Values& out) {
  if (name.empty()) {
    out.push_back(&value);
  } else {
    add_member(value, name, out);
  }
  if (!value.is_structured()) return;
  for (const Json& child : value) descend(child, name, out);
}

bool compare(const Json& left, const std::string& op, const Json& right) {
  if (op == "==") return left == right;
  if (op == "!=") return left != right;
  if (left.is_number() != right.is_number() || left.is_string() != right.is_string()) return false;
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  return op == ">" ? left > right : left >= right;
}

/// Follows paths through one value. What is missing is nothing; a place that no list has is a
/// mistake, of which the first is kept.
class Walk {
 public:
  Values steps(const std::vector<PathStep>& path, Values values) {
    for (const PathStep& step : path) {
      Values next;
      for (const Json* value : values) take(*value, step, next);
      values = std::move(next);
    }
    return values;
  }

  std::string print(const Nodes& nodes, const Json& data) {
    std::string out;
    for (const auto& node : nodes) {
      if (node->kind == Node::Kind::text) {
        out += node->text;
        continue;
      }
      const Values found = steps(node->path, {&data});
      for (size_t i = 0; i < found.size(); ++i) {
        if (node->kind == Node::Kind::range) {
          out += print(node->body, *found[i]);
        } else {
          out += (i == 0 ? "" : " ") + jsonpath_text(*found[i]);
        }
      }
    }
    return out;
  }

  /// "" when all went well.
  [[nodiscard]] const std::string& mistake() const { return mistake_; }

 private:
  void take(const Json& value, const PathStep& step, Values& out) {
    switch (step.kind) {
      case PathStep::Kind::field:
        return add_member(value, step.name, out);
      case PathStep::Kind::choices:
        for (const auto& choice : step.choices) {
          for (const Json* one : steps(choice, {&value})) out.push_back(one);
        }
        return;
      case PathStep::Kind::every:
        return add_children(value, out);
      case PathStep::Kind::slice:
        return add_slice(value, step, out);
      case PathStep::Kind::descend:
        return descend(value, step.name, out);
      case PathStep::Kind::filter:
        return add_filtered(value, step, out);
    }
  }

  void add_slice(const Json& value, const PathStep& step, Values& out) {
    if (value.is_null()) return;
    if (!value.is_array()) {
      return fail(str(value.is_object()    ? "map[string]interface {}"
                      : value.is_string()  ? "string"
                      : value.is_boolean() ? "bool"
                                           : "int64",
                      " is not array or slice"));
    }
    const auto size = static_cast<int64_t>(value.size());
    auto from_end = [size](int64_t n) { return n < 0 ? n + size : n; };
    const int64_t first = from_end(step.first.value_or(0));
    if (step.index) {
      if (first < 0 || first >= size) return fail_place(first, size);
      out.push_back(&value[static_cast<size_t>(first)]);
      return;
    }
    const int64_t last = from_end(step.last.value_or(size));
    if (first == last) return;
    if (first < 0 || first >= size) return fail_place(first, size);
    if (last < 0 || last > size) return fail_place(last - 1, size);
    const int64_t stride = std::min(step.step, size);  // `i` never overflows.
    for (int64_t i = first; i < last; i += stride) out.push_back(&value[static_cast<size_t>(i)]);
  }

  void add_filtered(const Json& value, const PathStep& step, Values& out) {
    if (!value.is_array()) return;
    for (const Json& item : value) {
      Values left = steps(step.left, {&item});
      if (step.op.empty()) {
        if (!left.empty()) out.push_back(&item);
        continue;
      }
      if (left.empty()) continue;
      if (step.literal) {
        if (compare(*left[0], step.op, *step.literal)) out.push_back(&item);
        continue;
      }
      Values right = steps(step.right, {&item});
      if (!right.empty() && compare(*left[0], step.op, *right[0])) out.push_back(&item);
    }
  }

  void fail(std::string what) {
    if (mistake_.empty()) mistake_ = std::move(what);
  }

  void fail_place(int64_t at, int64_t size) {
    fail(str("array index out of bounds: index ", at, ", length ", size));
  }

  std::string mistake_;
};

/// {"\n"}: a quoted text with Go's escapes.
std::string unquote(std::string_view text) {
  std::string out;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\' || i + 2 >= text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
  }
  return out;
}

Error bad_template(std::string_view text, std::string_view what) {
  return {ErrorCode::unsupported, str("error parsing jsonpath ", text, ", ", what)};
}

/// Where the brace that opens at `at` closes, past quoted text; npos when it does not.
size_t closing_brace(std::string_view text, size_t at) {
  char quote = 0;
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == quote) {
        quote = 0;
      }
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '}') {
      return i;
    }
  }
  return std::string_view::npos;
}

/// One {…}: a text, a path, or several paths and texts between blanks.
Result<std::shared_ptr<Node>> parse_action(std::string_view inner) {
  auto node = std::make_shared<Node>();
  if (inner.size() >= 2 && (inner[0] == '"' || inner[0] == '\'') && inner.back() == inner[0]) {
    node->text = unquote(inner);
    return node;
  }
  node->kind = Node::Kind::path;
  HOP_TRY(node->path, parse_path(inner));
  return node;
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath out;
  out.text_ = text;
  std::vector<std::shared_ptr<Node>> open;  // Ranges that have not ended.
  auto add = [&](std::shared_ptr<Node> node) {
    (open.empty() ? out.nodes_ : open.back()->body).push_back(std::move(node));
  };
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '{') {
      auto end = std::min(text.find('{', at), text.size());
      auto node = std::make_shared<Node>();
      node->text = text.substr(at, end - at);
      add(std::move(node));
      at = end;
      continue;
    }
    size_t close = closing_brace(text, at);
    if (close == std::string_view::npos) return bad_template(text, "unclosed action");
    std::string_view inner = trim(text.substr(at + 1, close - at - 1));
    at = close + 1;
    if (inner == "end") {
      if (open.empty()) return bad_template(text, "not in range, nothing to end");
      auto node = open.back();
      open.pop_back();
      add(std::move(node));
    } else if (inner.starts_with("range ")) {
      if (open.size() == deepest_ranges) return bad_template(text, "nested too deeply");
      auto node = std::make_shared<Node>();
      node->kind = Node::Kind::range;
      auto path = parse_path(trim(inner.substr(6)));
      if (!path) return bad_template(text, path.error().message());
      node->path = *std::move(path);
      open.push_back(std::move(node));
    } else {
      auto node = parse_action(inner);
      if (!node) return bad_template(text, node.error().message());
      add(*std::move(node));
    }
  }
  // kubectl is silent about a range without end, and prints nothing of it.
  return out;
}

Result<JsonPath> JsonPath::parse_relaxed(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return bad_template(text, "the path is empty");
  JsonPath out;
  auto node = std::make_shared<Node>();
  node->kind = Node::Kind::path;
  auto path = parse_path(text);
  if (!path) return bad_template(text, path.error().message());
  node->path = *std::move(path);
  out.nodes_.push_back(std::move(node));
  return out;
}

Result<std::string> JsonPath::print(const Json& data) const {
  Walk walk;
  std::string out = walk.print(nodes_, data);
  if (walk.mistake().empty()) return out;
  return Error(ErrorCode::unsupported, str("error executing jsonpath \"", text_,
                                           "\": Error executing template: ", walk.mistake()));
}

std::vector<const Json*> JsonPath::find(const Json& data) const {
  for (const auto& node : nodes_) {
    if (node->kind == Node::Kind::path) return Walk().steps(node->path, {&data});
  }
  return {};
}

std::string jsonpath_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  return dump_json(value);
}

}  // namespace hoplab::cmd::kubectl
