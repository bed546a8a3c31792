#include "store/api/field_error.h"

#include "runtime/base/text.h"

namespace hoplab::api::field_error {

namespace {

ErrorCause make(std::string_view path, std::string_view reason, std::string_view head,
                std::string_view detail) {
  std::string message(head);
  if (!detail.empty()) message += str(": ", detail);
  return {std::string(path), std::string(reason), std::move(message)};
}

}  // namespace

std::string go_value(const Json& value) {
  if (value.is_object()) {
    std::string out = "map[string]string{";
    for (auto it = value.begin(); it != value.end(); ++it) {
      out += str(it == value.begin() ? "" : ", ", Json(it.key()).dump(), ":", go_value(*it));
    }
    return out + "}";
  }
  if (value.is_array()) {
    std::string out = "[]string{";
    for (auto it = value.begin(); it != value.end(); ++it) {
      out += str(it == value.begin() ? "" : ", ", go_value(*it));
    }
    return out + "}";
  }
  return dump_json(value);
}

ErrorCause required(std::string_view path, std::string_view detail) {
  return make(path, "FieldValueRequired", "Required value", detail);
}

ErrorCause invalid(std::string_view path, const Json& value, std::string_view detail) {
  return make(path, "FieldValueInvalid", "Invalid value: " + go_value(value), detail);
}

ErrorCause not_supported(std::string_view path, const Json& value,
                         std::span<const std::string_view> supported) {
  std::string list;
  for (auto name : supported) list += str(list.empty() ? "" : ", ", "\"", name, "\"");
  return make(path, "FieldValueNotSupported", "Unsupported value: " + go_value(value),
              "supported values: " + list);
}

ErrorCause duplicate(std::string_view path, const Json& value) {
  return make(path, "FieldValueDuplicate", "Duplicate value: " + go_value(value), {});
}

ErrorCause not_found(std::string_view path, const Json& value) {
  return make(path, "FieldValueNotFound", "Not found: " + go_value(value), {});
}

ErrorCause forbidden(std::string_view path, std::string_view detail) {
  return make(path, "FieldValueForbidden", "Forbidden", detail);
}

ErrorCause too_long(std::string_view path, std::string_view detail) {
  return make(path, "FieldValueTooLong", "Too long", detail);
}

}  // namespace hoplab::api::field_error
