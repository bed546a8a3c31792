#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hoplab::web {

std::string base64_encode(std::string_view data);
/// With padding; white space between is allowed. Nullopt when it is not base64.
std::optional<std::string> base64_decode(std::string_view text);
/// The form of RFC 7515: '-' and '_', no padding.
std::string base64url_encode(std::string_view data);
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace hoplab::web
