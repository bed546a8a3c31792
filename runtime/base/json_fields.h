#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/base/text.h"

/// One list of fields per struct, for writing and reading JSON. A struct is described by
///   template <typename Visitor> void fields(Visitor& visit, Struct& value);
/// beside it, which calls visit("jsonName", value.member) for each. Enums need enum_name() and
/// enum_from_name(); types with to_string() and T::parse() (addresses) travel as text. Missing
/// fields keep their defaults, unknown ones are ignored; errors name the field.
namespace hoplab::json_fields {

template <typename T>
inline constexpr bool is_text = requires(const T& value) {
  to_string(value);
  T::parse(std::string_view());
};

class Writer {
 public:
  template <typename T>
  void operator()(const char* name, T& value) {
    if constexpr (requires { value.has_value(); }) {
      if (value.has_value()) out[name] = write(*value);
    } else {
      out[name] = write(value);
    }
  }

  template <typename T>
  static Json write(T& value) {
    if constexpr (std::is_enum_v<T>) {
      return enum_name(value);
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string> ||
                         std::is_same_v<T, std::map<std::string, std::string>>) {
      return value;
    } else if constexpr (is_text<T>) {
      return to_string(value);
    } else if constexpr (requires { value.push_back({}); }) {
      Json array = Json::array();
      for (auto& item : value) array.push_back(write(item));
      return array;
    } else {
      Writer nested;
      fields(nested, value);
      return std::move(nested.out);
    }
  }

  Json out = Json::object();
};

class Reader {
 public:
  Reader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    const Json& found = member(object_, name);
    if (failed_ || found.is_null()) return;
    std::string path = path_.empty() ? name : path_ + "." + name;
    if constexpr (requires { value.has_value(); }) {
      read(found, value.emplace(), path);
    } else {
      read(found, value, path);
    }
  }

  /// Reads a whole struct; the error names the field.
  template <typename T>
  static Result<T> read_whole(const Json& json) {
    T value;
    Reader reader(Json(), "");
    reader.read(json, value, "");
    if (reader.failed_) return *std::move(reader.failed_);
    return value;
  }

 private:
  void wrong(const std::string& path, std::string_view expected, const Json& got) {
    failed_ = Error(ErrorCode::bad_request, str(path.empty() ? "message" : path, ": expected ",
                                                expected, ", got ", got.type_name()));
  }

  void wrong_text(const std::string& path, const Error& why) {
    failed_ = Error(ErrorCode::bad_request, path + ": " + why.message());
  }

  template <typename T>
  void read(const Json& json, T& value, const std::string& path) {
    if (failed_) return;
    if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) return wrong(path, "a string", json);
      value = json.get<std::string>();
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) return wrong(path, "true or false", json);
      value = json.get<bool>();
    } else if constexpr (std::is_enum_v<T>) {
      if (!json.is_string() || !enum_from_name(json.get<std::string>(), value)) {
        return wrong(path, "one of the known words", json);
      }
    } else if constexpr (is_text<T>) {
      if (!json.is_string()) return wrong(path, "a string", json);
      auto parsed = T::parse(json.get<std::string>());
      if (!parsed) return wrong_text(path, parsed.error());
      value = *parsed;
    } else if constexpr (std::is_integral_v<T>) {
      read_number(json, value, path);
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
      if (!json.is_object()) return wrong(path, "an object", json);
      for (const auto& [key, item] : json.items()) read(item, value[key], path + "." + key);
    } else if constexpr (requires { value.push_back({}); }) {
      if (!json.is_array()) return wrong(path, "a list", json);
      for (size_t i = 0; i < json.size(); ++i) {
        read(json[i], value.emplace_back(), str(path, "[", i, "]"));
      }
    } else {
      if (!json.is_object()) return wrong(path, "an object", json);
      Reader nested(json, path);
      fields(nested, value);
      if (nested.failed_) failed_ = std::move(nested.failed_);
    }
  }

  template <typename T>
  void read_number(const Json& json, T& value, const std::string& path) {
    using Limits = std::numeric_limits<T>;
    bool fits = json.is_number_integer();
    if (fits && json.is_number_unsigned()) {
      fits = json.get<uint64_t>() <= static_cast<uint64_t>(Limits::max());
    } else if (fits) {
      int64_t number = json.get<int64_t>();
      fits = number >= static_cast<int64_t>(Limits::min()) &&
             (number < 0 || static_cast<uint64_t>(number) <= static_cast<uint64_t>(Limits::max()));
    }
    if (!fits) return wrong(path, str("a whole number up to ", Limits::max()), json);
    value = json.get<T>();
  }

  const Json& object_;
  std::string path_;
  std::optional<Error> failed_;
};

/// The writer only reads; `fields` takes a reference that can be written because the reader needs
/// one. The copies made here are small next to the JSON text.
template <typename T>
Json write(T value) {
  return Writer::write(value);
}

template <typename T>
Result<T> read(const Json& json) {
  return Reader::read_whole<T>(json);
}

}  // namespace hoplab::json_fields
