#include "store/api/manifest.h"

#include <utility>

#include "runtime/base/text.h"
#include "store/api/yaml_read.h"

namespace hoplab::api {

namespace {

Error wrong_document(std::string_view file, int line, std::string_view what) {
  return Error(ErrorCode::bad_request,
               str(file, file.empty() ? "" : ": ", "line ", line, ": ", what));
}

bool is_list(const Json& object) {
  return string_or(object, "kind").ends_with("List") && member(object, "items").is_array();
}

/// The fields below "items[3]." under their own names.
std::map<std::string, int, std::less<>> lines_below(
    const std::map<std::string, int, std::less<>>& all, const std::string& parent) {
  std::map<std::string, int, std::less<>> out;
  std::string prefix = parent + ".";
  for (auto it = all.lower_bound(prefix); it != all.end() && it->first.starts_with(prefix); ++it) {
    out.emplace(it->first.substr(prefix.size()), it->second);
  }
  return out;
}

Result<void> check_type_meta(const ManifestDocument& document, std::string_view file) {
  if (!document.object.is_object()) {
    return wrong_document(
        file, document.line,
        str("expected an object with apiVersion and kind, found ", document.object.type_name()));
  }
  for (std::string_view key : {"kind", "apiVersion"}) {
    const Json& value = member(document.object, key);
    if (value.is_string() && !value.get_ref<const std::string&>().empty()) continue;
    return wrong_document(
        file, document.line_of(key),
        value.is_null() ? str(key, " not set") : str(key, " must be a non-empty string"));
  }
  return {};
}

/// Adds the document, or what its list holds.
Result<void> add(std::vector<ManifestDocument>& out, ManifestDocument document,
                 std::string_view file) {
  if (!is_list(document.object)) {
    HOP_CHECK(check_type_meta(document, file));
    out.push_back(std::move(document));
    return {};
  }
  std::string kind = string_or(document.object, "kind");
  Json& items = document.object["items"];
  for (size_t i = 0; i < items.size(); ++i) {
    std::string place = str("items[", i, "]");
    ManifestDocument item{std::move(items[i]), document.line_of(place),
                          lines_below(document.field_lines, place)};
    // The items of a PodList need not say that they are pods.
    if (item.object.is_object() && kind != "List" && !item.object.contains("kind")) {
      item.object["kind"] = kind.substr(0, kind.size() - 4);
      item.object["apiVersion"] = member(document.object, "apiVersion");
    }
    if (is_list(item.object)) return wrong_document(file, item.line, "a List inside a List");
    HOP_CHECK(add(out, std::move(item), file));
  }
  return {};
}

/// JSON is read as JSON, ten times faster; what then fails is read again as YAML for its message.
bool looks_like_json(std::string_view text) {
  text = trim(text);
  return text.starts_with('{') || text.starts_with('[');
}

}  // namespace

int ManifestDocument::line_of(std::string_view field) const {
  while (!field.empty()) {
    auto found = field_lines.find(field);
    if (found != field_lines.end()) return found->second;
    auto cut = field.find_last_of(".[");
    field = field.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return line;
}

Result<std::vector<ManifestDocument>> parse_manifest(std::string_view text, std::string_view file) {
  std::vector<ManifestDocument> out;
  if (looks_like_json(text)) {
    if (auto json = parse_json(text)) {
      HOP_CHECK(add(out, {std::move(*json), 1, {}}, file));
      return out;
    }
  }
  HOP_TRY(auto documents, read_yaml(text, file));
  for (auto& document : documents) {
    if (document.value.is_null()) continue;
    HOP_CHECK(add(out, {std::move(document.value), document.line, std::move(document.field_lines)},
                  file));
  }
  return out;
}

Result<Json> parse_yaml(std::string_view text, std::string_view file) {
  HOP_TRY(auto documents, read_yaml(text, file));
  Json value;
  for (auto& document : documents) {
    if (document.value.is_null()) continue;
    if (!value.is_null()) {
      return wrong_document(file, document.line, "expected one document, found another");
    }
    value = std::move(document.value);
  }
  return value;
}

}  // namespace hoplab::api
