#include <algorithm>

#include "labs/load.h"
#include "runtime/base/ip.h"

namespace hoplab::labs {

namespace {

std::string names_of_kinds() {
  std::string names;
  for (const KindSpec& each : check_kinds()) names += str(names.empty() ? "" : ", ", each.name);
  return names;
}

void check_allowed(const Mapping& map, const FieldSpec& field, const std::string& value) {
  if (field.allowed.empty() || value.empty()) return;
  if (std::find(field.allowed.begin(), field.allowed.end(), value) != field.allowed.end()) return;
  std::string there;
  for (auto each : field.allowed) there += str(there.empty() ? "" : ", ", each);
  map.refuse(field.name, str('"', value, "\" is none of: ", there));
}

/// A text that must be an address or a network.
std::string read_network(const Mapping& map, const FieldSpec& field) {
  std::string value = map.text(field.name, field.required);
  if (value.empty() || (field.type == FieldType::destination && value == "default")) return value;
  if (field.type == FieldType::ipv4) {
    if (auto ip = Ipv4::parse(value); !ip) map.refuse(field.name, ip.error().message());
  } else if (auto prefix = Prefix::parse(value); !prefix) {
    map.refuse(field.name, prefix.error().message());
  } else if (value.find('/') == std::string::npos) {
    map.refuse(field.name, "the length is missing: 11.11.11.2/24");
  }
  return value;
}

void read_field(const Mapping& map, const FieldSpec& field, Json& want) {
  if (!map.has(field.name) && !field.required) return;
  switch (field.type) {
    case FieldType::text: {
      // An empty text says something: no master.
      if (map.get(field.name) == Json("")) {
        want[field.name] = "";
        return;
      }
      std::string value = map.text(field.name, field.required);
      check_allowed(map, field, value);
      want[field.name] = value;
      return;
    }
    case FieldType::boolean:
      want[field.name] = map.flag(field.name, false);
      return;
    case FieldType::number:
      want[field.name] = map.number(field.name, 1, 65535, 0, field.required);
      return;
    case FieldType::ipv4:
    case FieldType::prefix:
    case FieldType::destination:
      want[field.name] = read_network(map, field);
      return;
    case FieldType::texts:
      for (const auto& value : map.texts(field.name, field.required)) {
        check_allowed(map, field, value);
        want[field.name].push_back(value);
      }
      return;
  }
}

void read_common(const Mapping& map, const KindSpec& kind, Check& check) {
  check.netns = map.text("netns", false);
  check.of = map.text("of", false);
  if (!check.netns.empty() && !check.of.empty()) map.refuse("of", "netns or of, not both");
  if (!kind.has_place && map.has("netns")) map.refuse("netns", "this check has no place");
  if (!kind.has_place && map.has("of")) map.refuse("of", "this check has no place");
  check.absent = map.flag("absent", false);
  if (check.absent && !kind.can_be_absent) map.refuse("absent", "makes no sense here");
  check.until = map.text("until", false);
  check.within = std::chrono::seconds(map.number("within", 1, 30, 1, false));
}

}  // namespace

Check load_check(const Source& source, const Json& value, const std::string& path,
                 Mistakes& mistakes) {
  Check check;
  if (!value.is_object() || value.size() != 1) {
    mistakes.add(source.name, line_of(source, path), path,
                 "one kind with its fields is expected, such as  link: {name: veth1}");
    return check;
  }
  const std::string name = value.begin().key();
  const std::string inner = path + "." + name;
  const KindSpec* kind = find_kind(name);
  if (kind == nullptr) {
    mistakes.add(source.name, line_of(source, inner), inner,
                 "no such check; there are: " + names_of_kinds());
    return check;
  }
  check.kind = kind->kind;
  std::vector<std::string_view> known;
  for (const FieldSpec& field : kind->fields) known.push_back(field.name);
  for (const FieldSpec& field : common_fields()) known.push_back(field.name);
  Mapping map(source, value.begin().value(), inner, mistakes, known);
  if (!value.begin().value().is_object()) return check;
  check.want = Json::object();
  for (const FieldSpec& field : kind->fields) read_field(map, field, check.want);
  read_common(map, *kind, check);
  return check;
}

}  // namespace hoplab::labs
