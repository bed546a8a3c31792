#include "cmd/kubectl_jsonpath.h"

#include <algorithm>

#include "cmd/kubectl_jsonpath_parse.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

using Values = std::vector<const Json*>;
using Node = JsonPath::Node;
using Nodes = std::vector<std::shared_ptr<const Node>>;

Values walk(const std::vector<PathStep>& steps, Values values);

void add_member(const Json& value, const std::string& name, Values& out) {
  if (!value.is_object()) return;
  auto it = value.find(name);
  if (it != value.end()) out.push_back(&*it);
}

void add_children(const Json& value, Values& out) {
  if (!value.is_structured()) return;
  for (const Json& child : value) out.push_back(&child);
}

void add_slice(const Json& value, const PathStep& step, Values& out) {
  if (!value.is_array()) return;
  const auto size = static_cast<int64_t>(value.size());
  auto from_end = [size](int64_t n) { return n < 0 ? n + size : n; };
  int64_t first = from_end(step.first.value_or(0));
  int64_t last = step.index ? first + 1 : std::min(size, from_end(step.last.value_or(size)));
  if (step.index && (first < 0 || first >= size)) return;
  for (int64_t i = std::max<int64_t>(0, first); i < last; i += step.step) {
    out.push_back(&value[static_cast<size_t>(i)]);
  }
}

void descend(const Json& value, const PathStep& step, Values& out) {
  if (step.names.empty()) {
    out.push_back(&value);
  } else {
    add_member(value, step.names[0], out);
  }
  if (!value.is_structured()) return;
  for (const Json& child : value) descend(child, step, out);
}

bool compare(const Json& left, const std::string& op, const Json& right) {
  if (op == "==") return left == right;
  if (op == "!=") return left != right;
  if (left.is_number() != right.is_number() || left.is_string() != right.is_string()) return false;
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  return op == ">" ? left > right : left >= right;
}

void add_filtered(const Json& value, const PathStep& step, Values& out) {
  if (!value.is_array()) return;
  for (const Json& item : value) {
    Values left = walk(step.left, {&item});
    if (step.op.empty()) {
      if (!left.empty()) out.push_back(&item);
      continue;
    }
    if (left.empty()) continue;
    if (step.literal) {
      if (compare(*left[0], step.op, *step.literal)) out.push_back(&item);
      continue;
    }
    Values right = walk(step.right, {&item});
    if (!right.empty() && compare(*left[0], step.op, *right[0])) out.push_back(&item);
  }
}

void take_step(const Json& value, const PathStep& step, Values& out) {
  switch (step.kind) {
    case PathStep::Kind::field:
    case PathStep::Kind::names:
      for (const std::string& name : step.names) add_member(value, name, out);
      return;
    case PathStep::Kind::every:
      return add_children(value, out);
    case PathStep::Kind::slice:
      return add_slice(value, step, out);
    case PathStep::Kind::descend:
      return descend(value, step, out);
    case PathStep::Kind::filter:
      return add_filtered(value, step, out);
  }
}

Values walk(const std::vector<PathStep>& steps, Values values) {
  for (const PathStep& step : steps) {
    Values next;
    for (const Json* value : values) take_step(*value, step, next);
    values = std::move(next);
  }
  return values;
}

std::string print_nodes(const Nodes& nodes, const Json& data) {
  std::string out;
  for (const auto& node : nodes) {
    if (node->kind == Node::Kind::text) {
      out += node->text;
      continue;
    }
    Values found = walk(node->path, {&data});
    for (size_t i = 0; i < found.size(); ++i) {
      if (node->kind == Node::Kind::range) {
        out += print_nodes(node->body, *found[i]);
      } else {
        out += (i == 0 ? "" : " ") + jsonpath_text(*found[i]);
      }
    }
  }
  return out;
}

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
      auto node = std::make_shared<Node>();
      node->kind = Node::Kind::range;
      HOP_TRY(node->path, parse_path(trim(inner.substr(6))));
      open.push_back(std::move(node));
    } else {
      HOP_TRY(auto node, parse_action(inner));
      add(std::move(node));
    }
  }
  if (!open.empty()) return bad_template(text, "unclosed range");
  return out;
}

Result<JsonPath> JsonPath::parse_relaxed(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return bad_template(text, "the path is empty");
  JsonPath out;
  auto node = std::make_shared<Node>();
  node->kind = Node::Kind::path;
  HOP_TRY(node->path, parse_path(text));
  out.nodes_.push_back(std::move(node));
  return out;
}

std::string JsonPath::print(const Json& data) const {
  return print_nodes(nodes_, data);
}

std::vector<const Json*> JsonPath::find(const Json& data) const {
  for (const auto& node : nodes_) {
    if (node->kind == Node::Kind::path) return walk(node->path, {&data});
  }
  return {};
}

std::string jsonpath_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  return dump_json(value);
}

}  // namespace hoplab::cmd::kubectl
