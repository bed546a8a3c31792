#include "store/api/yaml_builder.h"

#include <algorithm>
#include <utility>

#include "runtime/base/text.h"
#include "store/api/yaml_scalar.h"

namespace hoplab::api {

namespace {

constexpr size_t max_depth = 200;
/// What anchors and aliases may copy, in rough bytes of memory: "billion laughs" ends here.
constexpr size_t max_copied_bytes = 16U << 20U;

struct Size {
  size_t bytes = 64;  ///< A node's own cost, roughly.
  size_t depth = 0;   ///< Levels of collections.
};

Size size_of(const Json& value) {
  Size size;
  if (value.is_string()) size.bytes += value.get_ref<const std::string&>().size();
  if (!value.is_structured()) return size;
  for (auto it = value.begin(); it != value.end(); ++it) {
    Size inner = size_of(*it);
    size.bytes += inner.bytes + (value.is_object() ? it.key().size() : 0);
    size.depth = std::max(size.depth, inner.depth);
  }
  ++size.depth;
  return size;
}

std::string key_text(const Json& key) {
  return key.is_string() ? key.get<std::string>() : key.dump();
}

/// yaml-cpp turns the escapes \N and \_ into single bytes instead of UTF-8.
std::string as_utf8(const YAML::Mark& mark, const std::string& text) {
  std::string out;
  std::string_view rest = text;
  for (size_t bad = bad_utf8_at(rest); bad != std::string_view::npos; bad = bad_utf8_at(rest)) {
    if (rest[bad] != '\x85' && rest[bad] != '\xA0') {
      throw YamlMistake{mark, "the text is not valid UTF-8"};
    }
    out += str(rest.substr(0, bad), '\xC2', rest[bad]);
    rest.remove_prefix(bad + 1);
  }
  return out.append(rest);
}

}  // namespace

YamlDocument YamlBuilder::take_document() {
  return std::exchange(document_, YamlDocument{});
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  // At a stray "," or "]" yaml-cpp finds empty documents for ever without moving on.
  if (mark.pos <= last_start_) throw YamlMistake{mark, "did not find expected node content"};
  last_start_ = mark.pos;
  document_ = YamlDocument{};
  document_.line = mark.line + 1;
  open_.clear();
  anchors_.clear();
  path_.clear();
}

bool YamlBuilder::expects_key() const {
  return !open_.empty() && open_.back().value.is_object() && !open_.back().key;
}

void YamlBuilder::enter_member(const YAML::Mark& mark) {
  if (open_.empty()) {
    document_.line = mark.line + 1;
    return;
  }
  Frame& frame = open_.back();
  frame.path_length = path_.size();
  int line = frame.key_line;
  if (frame.value.is_array()) {
    path_ += str("[", frame.value.size(), "]");
    line = mark.line + 1;
  } else if (frame.key) {
    path_ += (path_.empty() ? "" : ".") + *frame.key;
  } else {
    return;
  }
  document_.field_lines.emplace(path_, line);
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (!expects_key()) enter_member(mark);
  place(mark, nullptr, anchor);
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  auto found = anchors_.find(anchor);
  if (found == anchors_.end()) throw YamlMistake{mark, "the alias lies inside its own anchor"};
  spend(mark, found->second);
  if (!expects_key()) enter_member(mark);
  place(mark, found->second, 0);
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  constexpr std::string_view core = "tag:yaml.org,2002:";  // What "!!" stands for.
  std::string_view type = tag;
  bool is_core = type.starts_with(core);
  if (is_core) type.remove_prefix(core.size());
  if (is_core && type == "binary") {
    throw YamlMistake{mark, "!!binary is not supported here; write the base64 text as a string"};
  }
  // "?" is a plain scalar, "!" a quoted one.
  Scalar scalar{ScalarType::text, as_utf8(mark, value)};
  if (type == "?" || (is_core && type != "str")) scalar = resolve_plain(value);
  if (scalar.type == ScalarType::not_finite) {
    throw YamlMistake{mark, str(value, " has no place in a Kubernetes object")};
  }
  if (scalar.type == ScalarType::merge) {
    next_is_merge_ = expects_key();
    scalar.value = value;
  }
  if (!expects_key()) enter_member(mark);
  place(mark, std::move(scalar.value), anchor);
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  open(mark, anchor, Json::array());
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/,
                             YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  open(mark, anchor, Json::object());
}

void YamlBuilder::open(const YAML::Mark& mark, YAML::anchor_t anchor, Json empty) {
  if (expects_key()) throw YamlMistake{mark, "a key must be a plain value, not a map or a list"};
  if (open_.size() >= max_depth) {
    throw YamlMistake{mark, str("nested deeper than ", max_depth, " levels")};
  }
  enter_member(mark);
  Frame frame;
  frame.mark = mark;
  frame.anchor = anchor;
  frame.value = std::move(empty);
  open_.push_back(std::move(frame));
}

void YamlBuilder::close() {
  Frame frame = std::move(open_.back());
  open_.pop_back();
  for (auto& [key, value] : frame.merged.items()) {
    if (!frame.value.contains(key)) frame.value[key] = std::move(value);
  }
  place(frame.mark, std::move(frame.value), frame.anchor);
}

void YamlBuilder::place(const YAML::Mark& mark, Json value, YAML::anchor_t anchor) {
  if (anchor != 0) remember(mark, anchor, value);
  if (open_.empty()) {
    document_.value = std::move(value);
    return;
  }
  Frame& frame = open_.back();
  if (frame.value.is_array()) {
    frame.value.push_back(std::move(value));
  } else if (!frame.key) {
    take_key(mark, frame, value);
    return;
  } else if (frame.key_is_merge) {
    merge(mark, frame, value);
    frame.key.reset();
  } else {
    frame.value[*frame.key] = std::move(value);
    frame.key.reset();
  }
  path_.resize(frame.path_length);
}

void YamlBuilder::take_key(const YAML::Mark& mark, Frame& frame, const Json& value) {
  if (value.is_null() || value.is_structured()) {
    throw YamlMistake{mark, "a key must be a plain value, not a map, a list or nothing"};
  }
  frame.key = key_text(value);
  frame.key_line = mark.line + 1;
  frame.key_is_merge = std::exchange(next_is_merge_, false);
  if (!frame.key_is_merge && frame.value.contains(*frame.key)) {
    throw YamlMistake{mark, str("key \"", *frame.key, "\" already set in map")};
  }
}

void YamlBuilder::merge(const YAML::Mark& mark, Frame& frame, const Json& value) {
  if (value.is_array()) {
    for (const Json& item : value) {
      if (!item.is_object()) throw YamlMistake{mark, "map merge requires map or sequence of maps"};
      merge(mark, frame, item);
    }
    return;
  }
  if (!value.is_object()) {
    throw YamlMistake{mark, "map merge requires map or sequence of maps as the value"};
  }
  for (const auto& [key, item] : value.items()) {
    if (!frame.merged.contains(key)) frame.merged[key] = item;
  }
}

void YamlBuilder::remember(const YAML::Mark& mark, YAML::anchor_t anchor, const Json& value) {
  spend(mark, value);
  anchors_[anchor] = value;
}

void YamlBuilder::spend(const YAML::Mark& mark, const Json& value) {
  Size size = size_of(value);
  copied_bytes_ += size.bytes;
  if (copied_bytes_ > max_copied_bytes) {
    throw YamlMistake{mark, "anchors and aliases unfold to more than 16 MB"};
  }
  if (open_.size() + size.depth > max_depth) {
    throw YamlMistake{mark, str("nested deeper than ", max_depth, " levels")};
  }
}

}  // namespace hoplab::api
