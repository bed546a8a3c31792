#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hoplab::api {

/// Standard alphabet with padding, as Secret.data carries bytes.
std::string base64_encode(std::string_view bytes);
/// Nullopt for anything but whole, padded base64; line breaks are allowed (as Go allows them).
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace hoplab::api
