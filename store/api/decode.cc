#include <cstdlib>
#include <limits>
#include <optional>

#include "runtime/base/base64.h"
#include "runtime/base/clock.h"
#include "runtime/base/text.h"
#include "store/api/quantity.h"
#include "store/api/schema.h"
#include "store/api/schema_table.h"

/// What Go's decoder of Kubernetes' types would refuse: values of the wrong type and, when strict,
/// fields that do not exist.
namespace hoplab::api {

namespace {

std::string_view json_type(const Json& value) {
  if (value.is_number()) return "number";
  if (value.is_boolean()) return "bool";
  return value.type_name();
}

class TypeChecker {
 public:
  explicit TypeChecker(bool strict) : strict_(strict) {}

  void check_object(const TypeTable& table, const Json& object) {
    for (auto it = object.begin(); it != object.end(); ++it) {
      const Field* field = table.find(it.key());
      Step step(*this, it.key());
      if (field == nullptr) {
        if (strict_) {
          causes_.push_back({path_, std::string(unknown_field_reason), unknown_field_text(path_)});
        }
      } else {
        check_field(table, *field, *it);
      }
    }
  }

  std::vector<ErrorCause> take() { return std::move(causes_); }

 private:
  /// Extends both paths by a field for as long as it lives.
  class Step {
   public:
    Step(TypeChecker& checker, const std::string& name)
        : checker_(checker), length_(checker.path_.size()), go_length_(checker.go_path_.size()) {
      std::string part = (checker.path_.empty() ? "" : ".") + name;
      checker.path_ += part;
      checker.go_path_ += part;
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() {
      checker_.path_.resize(length_);
      checker_.go_path_.resize(go_length_);
    }

   private:
    TypeChecker& checker_;
    size_t length_;
    size_t go_length_;
  };

  void check_field(const TypeTable& owner, const Field& field, const Json& value) {
    if (value.is_null()) return;
    if (field.shape == Shape::single) return check_value(owner, field, value);
    bool list = field.shape == Shape::list;
    if (list ? !value.is_array() : !value.is_object()) return wrong(owner, field, value, false);
    size_t length = path_.size();
    size_t index = 0;
    for (auto it = value.begin(); it != value.end(); ++it, ++index) {
      path_ += str("[", list ? std::to_string(index) : it.key(), "]");
      if (it->is_null() && list && field.type != ValueType::free) {
        wrong(owner, field, *it, true);
      } else if (!it->is_null()) {
        check_value(owner, field, *it);
      }
      path_.resize(length);
    }
  }

  void check_value(const TypeTable& owner, const Field& field, const Json& value) {
    if (field.type == ValueType::fields) {
      if (!value.is_object()) return wrong(owner, field, value, true);
      return check_object(*field.object, value);
    }
    if (auto problem = scalar_problem(field.type, value)) {
      add(str(problem->empty() ? mismatch(owner, field, value, true) : *problem));
    }
  }

  /// Nullopt when the value fits; an empty text for a plain mismatch of types.
  static std::optional<std::string> scalar_problem(ValueType type, const Json& value) {
    auto unless = [](bool fits) { return fits ? std::nullopt : std::optional<std::string>(""); };
    switch (type) {
      case ValueType::text:
        return unless(value.is_string());
      case ValueType::boolean:
        return unless(value.is_boolean());
      case ValueType::int32:
        return unless(fits_int32(value));
      case ValueType::int64:
        return unless(value.is_number_integer() && fits_int64(value));
      case ValueType::int_or_string:
        return unless(value.is_string() || fits_int32(value));
      case ValueType::quantity: {
        auto quantity = quantity_of(value);
        if (quantity) return std::nullopt;
        return quantity.error().message();
      }
      case ValueType::time:
      case ValueType::micro_time:
        return value.is_string() ? time_problem(value.get_ref<const std::string&>()) : "";
      case ValueType::bytes:
        if (!value.is_string()) return "";
        if (base64_decode(value.get_ref<const std::string&>())) return std::nullopt;
        return "illegal base64 data";
      case ValueType::free:
      case ValueType::fields:
        break;
    }
    return std::nullopt;
  }

  static bool fits_int64(const Json& value) {
    return !value.is_number_unsigned() ||
           value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  }

  static bool fits_int32(const Json& value) {
    if (!value.is_number_integer() || !fits_int64(value)) return false;
    auto number = value.get<int64_t>();
    return number >= std::numeric_limits<int32_t>::min() &&
           number <= std::numeric_limits<int32_t>::max();
  }

  static std::optional<std::string> time_problem(const std::string& text) {
    auto time = parse_rfc3339(text);
    if (time) return std::nullopt;
    return time.error().message();
  }

  [[nodiscard]] std::string mismatch(const TypeTable& owner, const Field& field, const Json& value,
                                     bool element) const {
    std::string what(json_type(value));
    bool number_field = field.type == ValueType::int32 || field.type == ValueType::int64;
    if (value.is_number() && number_field) what += " " + value.dump();
    return str("json: cannot unmarshal ", what, " into Go struct field ", owner.name, ".", go_path_,
               " of type ", go_type_name(field, element));
  }

  void wrong(const TypeTable& owner, const Field& field, const Json& value, bool element) {
    add(mismatch(owner, field, value, element));
  }

  void add(std::string message) {
    causes_.push_back({path_, std::string(wrong_type_reason), std::move(message)});
  }

  bool strict_;
  std::string path_;     ///< "spec.containers[0].image", for people.
  std::string go_path_;  ///< "spec.containers.image", as Go's decoder says it.
  std::vector<ErrorCause> causes_;
};

/// Takes unknown fields out and notes where they were.
class UnknownFields {
 public:
  void drop(const TypeTable& table, Json& object) {
    if (!object.is_object()) return;
    const size_t length = path_.size();
    for (auto it = object.begin(); it != object.end();) {
      const Field* field = table.find(it.key());
      path_ += (path_.empty() ? "" : ".") + it.key();
      if (field == nullptr) {
        dropped_.push_back(path_);
        it = object.erase(it);
      } else {
        drop_in(*field, *it);
        ++it;
      }
      path_.resize(length);
    }
  }
  std::vector<std::string> take() { return std::move(dropped_); }

 private:
  void drop_in(const Field& field, Json& value) {
    if (field.object == nullptr) return;
    if (field.shape == Shape::single) return drop(*field.object, value);
    if (!value.is_structured()) return;
    const size_t length = path_.size();
    size_t index = 0;
    for (auto it = value.begin(); it != value.end(); ++it, ++index) {
      path_ += str("[", value.is_array() ? std::to_string(index) : it.key(), "]");
      drop(*field.object, *it);
      path_.resize(length);
    }
  }

  std::string path_;
  std::vector<std::string> dropped_;
};

}  // namespace

std::vector<ErrorCause> check_types(std::string_view type_name, const Json& object, bool strict) {
  const TypeTable* table = find_table(type_name);
  if (table == nullptr) std::abort();
  if (!object.is_object()) {
    return {{"", std::string(wrong_type_reason),
             str("json: cannot unmarshal ", json_type(object), " into Go value of type v1.",
                 type_name)}};
  }
  TypeChecker checker(strict);
  checker.check_object(*table, object);
  return checker.take();
}

std::vector<std::string> drop_unknown_fields(const Kind& kind, Json& object) {
  UnknownFields fields;
  fields.drop(table_of(kind), object);
  return fields.take();
}

std::string unknown_field_text(const std::string& path) {
  return "unknown field " + dump_json(Json(path));
}

Error invalid_object(const Kind& kind, const std::string& name, std::vector<ErrorCause> causes) {
  std::string unknown;
  for (const auto& cause : causes) {
    if (cause.reason == wrong_type_reason) {
      return Error(ErrorCode::bad_request,
                   str(kind.kind, " in version \"", kind.version, "\" cannot be handled as a ",
                       kind.kind, ": ", cause.message));
    }
    if (cause.reason == unknown_field_reason) {
      unknown += (unknown.empty() ? "" : ", ") + cause.message;
    }
  }
  if (!unknown.empty()) {
    return Error(ErrorCode::bad_request,
                 str(kind.kind, " in version \"", kind.version, "\" cannot be handled as a ",
                     kind.kind, ": strict decoding error: ", unknown));
  }
  std::string list;
  for (const auto& cause : causes) {
    list += str(list.empty() ? "" : ", ", cause.field, ": ", cause.message);
  }
  if (causes.size() != 1) list = str("[", list, "]");
  return Error(ErrorCode::invalid, str(kind.qualified_kind(), " \"", name, "\" is invalid: ", list))
      .with_details({std::string(kind.group), std::string(kind.kind), name, "", std::move(causes)});
}

}  // namespace hoplab::api
