#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "store/api/kind.h"

/// The fields of every kind as data: what decoding, validation, defaults, strategic merge,
/// `explain` and OpenAPI read. Compiled once from the texts in schema_*.cc; read-only afterwards,
/// so any thread may read. Pointers stay valid for the life of the process.
namespace hoplab::api {

enum class ValueType {
  text,
  int32,
  int64,
  boolean,
  quantity,       ///< "100m", "1Gi", or a number.
  int_or_string,  ///< A port or a percentage.
  time,           ///< RFC 3339.
  micro_time,
  bytes,   ///< base64
  free,    ///< Any JSON.
  fields,  ///< An object with known fields: `Field::object`.
};

enum class Shape { single, list, map };

/// How strategic merge patch treats a list.
enum class ListMerge { atomic, by_key, set };

struct TypeTable;

struct Field {
  std::string_view name;
  ValueType type = ValueType::text;
  Shape shape = Shape::single;
  const TypeTable* object = nullptr;  ///< For ValueType::fields.
  bool required = false;              ///< Missing, null, "", [] and {} are "Required value".
  std::vector<std::string_view> one_of;
  std::optional<int64_t> min;
  std::string_view format;  ///< Name of a check in names.h: "label", "subdomain", "port", ….
  std::optional<Json> default_value;
  ListMerge merge = ListMerge::atomic;
  std::string_view merge_key;
  bool retain_keys = false;      ///< `$retainKeys`: a union in which one member replaces another.
  std::string_view description;  ///< May be empty.
};

/// One Go struct of Kubernetes' API: "PodSpec" and its fields in its order.
struct TypeTable {
  std::string_view name;
  std::vector<Field> fields;
  [[nodiscard]] const Field* find(std::string_view field) const;
};

/// The table of a whole kind, with apiVersion, kind and metadata.
const TypeTable& table_of(const Kind& kind);
/// A struct by name ("PodSpec"); null when there is none.
const TypeTable* find_table(std::string_view type_name);

/// As Go names the type in messages: "int32", "[]v1.Container", "map[string]string".
std::string go_type_name(const Field& field, bool element = false);

}  // namespace hoplab::api
