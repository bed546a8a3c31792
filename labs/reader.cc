#include "labs/reader.h"

#include <algorithm>

#include "store/api/yaml_read.h"

namespace hoplab::labs {

void Mistakes::add(std::string_view file, int line, std::string_view field, std::string_view what) {
  lines_.push_back(str(file, ':', line, ": ", field, field.empty() ? "" : ": ", what));
}

Error Mistakes::to_error() const {
  return Error(ErrorCode::invalid, join(lines_, "\n"));
}

Source read_source(const std::string& name, std::string_view text, Mistakes& mistakes) {
  Source source;
  source.name = name;
  auto documents = api::read_yaml(text, "");
  if (!documents) {
    mistakes.add(name, 1, "", documents.error().message());
  } else if (documents->size() != 1) {
    mistakes.add(name, 1, "", "one YAML document is expected");
  } else {
    source.value = std::move(documents->front().value);
    source.lines = std::move(documents->front().field_lines);
  }
  return source;
}

int line_of(const Source& source, std::string_view path) {
  while (!path.empty()) {
    auto it = source.lines.find(path);
    if (it != source.lines.end()) return it->second;
    auto end = path.find_last_of(".[");
    path = path.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return 1;
}

Mapping::Mapping(const Source& source, const Json& value, std::string path, Mistakes& mistakes,
                 const std::vector<std::string_view>& known)
    : source_(&source), value_(&value), path_(std::move(path)), mistakes_(&mistakes) {
  if (!value.is_object()) {
    refuse("", "a mapping is expected");
    return;
  }
  for (const auto& [key, item] : value.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string there;
    for (auto each : known) there += str(there.empty() ? "" : ", ", each);
    refuse(key, "no such field; there are: " + there);
  }
}

std::string Mapping::path(std::string_view field) const {
  if (path_.empty() || field.empty()) return path_ + std::string(field);
  return str(path_, '.', field);
}

void Mapping::refuse(std::string_view field, std::string_view what) const {
  std::string where = path(field);
  mistakes_->add(source_->name, line_of(*source_, where), where, what);
}

std::string Mapping::text(std::string_view field, bool required) const {
  const Json& value = get(field);
  if (value.is_number() || value.is_boolean()) return dump_json(value);
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
    return value.get<std::string>();
  }
  if (value.is_null() ? required && value_->is_object() : !value.is_string() || required) {
    refuse(field, value.is_null() ? "is missing" : "a text is expected");
  }
  return {};
}

int Mapping::number(std::string_view field, int least, int most, int fallback,
                    bool required) const {
  const Json& value = get(field);
  if (value.is_null() && !required) return fallback;
  if (value.is_number_integer() && value >= least && value <= most) return value.get<int>();
  if (value_->is_object()) {
    refuse(field, value.is_null() ? "is missing"
                                  : str("a number from ", least, " to ", most, " is expected"));
  }
  return fallback;
}

bool Mapping::flag(std::string_view field, bool fallback) const {
  const Json& value = get(field);
  if (value.is_boolean()) return value.get<bool>();
  if (!value.is_null()) refuse(field, "true or false is expected");
  return fallback;
}

std::vector<std::pair<const Json*, std::string>> Mapping::list(std::string_view field,
                                                               bool required) const {
  std::vector<std::pair<const Json*, std::string>> items;
  const Json& value = get(field);
  if (!value.is_array()) {
    if (!value.is_null()) refuse(field, "a list is expected");
    if (value.is_null() && required && value_->is_object()) refuse(field, "is missing");
    return items;
  }
  if (value.empty() && required) refuse(field, "must not be empty");
  for (size_t i = 0; i < value.size(); ++i) {
    items.emplace_back(&value[i], str(path(field), '[', i, ']'));
  }
  return items;
}

std::vector<std::string> Mapping::texts(std::string_view field, bool required) const {
  std::vector<std::string> out;
  for (const auto& [item, where] : list(field, required)) {
    if (item->is_string() && !item->get_ref<const std::string&>().empty()) {
      out.push_back(item->get<std::string>());
    } else {
      mistakes_->add(source_->name, line_of(*source_, where), where, "a text is expected");
    }
  }
  return out;
}

}  // namespace hoplab::labs
