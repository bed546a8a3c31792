#pragma once

#include <span>
#include <string>
#include <string_view>

#include "runtime/base/error.h"
#include "runtime/base/json.h"

/// Makers of ErrorCauses with the words of Kubernetes' field.Error. `message` is its whole body:
/// `Invalid value: 0: must be between 1 and 65535, inclusive`. Pure.
namespace hoplab::api::field_error {

ErrorCause required(std::string_view path, std::string_view detail = {});
ErrorCause invalid(std::string_view path, const Json& value, std::string_view detail);
ErrorCause not_supported(std::string_view path, const Json& value,
                         std::span<const std::string_view> supported);
ErrorCause duplicate(std::string_view path, const Json& value);
ErrorCause not_found(std::string_view path, const Json& value);
ErrorCause forbidden(std::string_view path, std::string_view detail);
ErrorCause too_long(std::string_view path, std::string_view detail);

/// As Go prints a value inside messages: 3, "text", map[string]string{"app":"web"}.
std::string go_value(const Json& value);

}  // namespace hoplab::api::field_error
