#include "store/api/schema_table.h"

#include <charconv>
#include <cstdlib>
#include <deque>
#include <map>

#include "runtime/base/text.h"
#include "store/api/schema_text.h"

namespace hoplab::api {

namespace {

struct ScalarName {
  std::string_view text;  ///< In our tables.
  ValueType type;
  std::string_view go;
};

constexpr ScalarName scalar_names[] = {
    {"str", ValueType::text, "string"},
    {"int32", ValueType::int32, "int32"},
    {"int64", ValueType::int64, "int64"},
    {"bool", ValueType::boolean, "bool"},
    {"quantity", ValueType::quantity, "resource.Quantity"},
    {"intstr", ValueType::int_or_string, "intstr.IntOrString"},
    {"time", ValueType::time, "v1.Time"},
    {"microtime", ValueType::micro_time, "v1.MicroTime"},
    {"bytes", ValueType::bytes, "[]uint8"},
    {"json", ValueType::free, "interface {}"},
};

/// Compiles the texts. The tables are ours: a mistake in them is a bug, and aborts.
class Compiler {
 public:
  Compiler() {
    using namespace schema_text;
    for (auto text : {meta, pod, volume, core, node, apps, calico}) declare(text);
    for (auto text : {meta, pod, volume, core, node, apps, calico}) define(text);
  }

  [[nodiscard]] const TypeTable* find(std::string_view name) const {
    auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  void declare(std::string_view text) {
    for (auto line : split(text, '\n')) {
      if (line.empty() || line.front() == ' ') continue;
      TypeTable& table = tables_.emplace_back();
      table.name = words(line).at(1);
      if (!by_name_.emplace(table.name, &table).second) std::abort();
    }
  }

  void define(std::string_view text) {
    TypeTable* table = nullptr;
    for (auto line : split(text, '\n')) {
      if (line.empty()) continue;
      if (line.front() == ' ') {
        table->fields.push_back(field(line));
        continue;
      }
      auto head = words(line);
      table = by_name_.at(head.at(1));
      if (head[0] != "kind") continue;
      for (auto common : {"apiVersion str", "kind str", "metadata ObjectMeta"}) {
        table->fields.push_back(field(common));
      }
    }
  }

  Field field(std::string_view line) {
    Field out;
    auto semicolon = line.find(" ; ");
    if (semicolon != std::string_view::npos) out.description = line.substr(semicolon + 3);
    auto parts = words(line.substr(0, semicolon));
    out.name = parts.at(0);
    set_type(out, parts.at(1));
    for (size_t i = 2; i < parts.size(); ++i) set_mark(out, parts[i]);
    return out;
  }

  void set_type(Field& out, std::string_view type) {
    if (type.starts_with("[]")) out.shape = Shape::list;
    if (type.starts_with("{}")) out.shape = Shape::map;
    if (out.shape != Shape::single) type.remove_prefix(2);
    for (const auto& scalar : scalar_names) {
      if (scalar.text == type) {
        out.type = scalar.type;
        return;
      }
    }
    out.type = ValueType::fields;
    out.object = by_name_.at(type);
  }

  static void set_mark(Field& out, std::string_view mark) {
    auto value = mark.substr(mark.find(':') + 1);
    if (mark == "!") {
      out.required = true;
    } else if (mark.starts_with('=')) {
      out.one_of = split(mark.substr(1), '|');
    } else if (mark.starts_with("min:")) {
      int64_t least = 0;
      std::from_chars(value.data(), value.data() + value.size(), least);
      out.min = least;
    } else if (mark.starts_with("fmt:")) {
      out.format = value;
    } else if (mark.starts_with("def:")) {
      auto json = parse_json(value);
      out.default_value = json ? *json : Json(std::string(value));
    } else if (mark.starts_with("key:")) {
      out.merge = ListMerge::by_key;
      out.merge_key = value;
    } else if (mark == "set") {
      out.merge = ListMerge::set;
    } else if (mark == "retain") {
      out.retain_keys = true;
    } else {
      std::abort();
    }
  }

  std::deque<TypeTable> tables_;
  std::map<std::string_view, TypeTable*> by_name_;
};

const Compiler& compiled() {
  static const Compiler tables;
  return tables;
}

}  // namespace

const Field* TypeTable::find(std::string_view field) const {
  for (const Field& candidate : fields) {
    if (candidate.name == field) return &candidate;
  }
  return nullptr;
}

const TypeTable* find_table(std::string_view type_name) {
  return compiled().find(type_name);
}

const TypeTable& table_of(const Kind& kind) {
  const TypeTable* table = find_table(kind.kind);
  if (table == nullptr) std::abort();
  return *table;
}

std::string go_type_name(const Field& field, bool element) {
  std::string name;
  if (field.object != nullptr) {
    name = str("v1.", field.object->name);
  } else {
    for (const auto& scalar : scalar_names) {
      if (scalar.type == field.type) name = scalar.go;
    }
  }
  if (element || field.shape == Shape::single) return name;
  return (field.shape == Shape::list ? "[]" : "map[string]") + name;
}

}  // namespace hoplab::api
