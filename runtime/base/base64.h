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

/// The form of tokens (RFC 7515): '-' and '_', no padding.
std::string base64url_encode(std::string_view bytes);
/// Also refuses padding, line breaks, and a last digit with bits that no byte needs: bytes have
/// one text only.
Result<std::string> base64url_decode(std::string_view text);

}  // namespace hoplab
