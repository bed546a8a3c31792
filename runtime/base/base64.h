#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab {

/// RFC 4648 base64 with padding, as Secret.data carries bytes.
std::string base64_encode(std::string_view bytes);
/// Fails with `invalid` on characters outside the alphabet or wrong padding; line breaks are let
/// by.
Result<std::string> base64_decode(std::string_view text);

}  // namespace hoplab
