#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::engine {

/// 64 random hexadecimal digits: the id of a container or network. `system` when the kernel gives
/// no random bytes.
Result<std::string> random_id();

/// The first 12 digits, as docker prints them.
std::string short_id(std::string_view id);

/// "brave_lamarr": a name that `taken` does not know.
Result<std::string> random_name(const std::function<bool(const std::string&)>& taken);

/// docker's rule, but one letter is enough: [a-zA-Z0-9][a-zA-Z0-9_.-]*
Result<void> check_name(std::string_view what, std::string_view name);

}  // namespace hoplab::engine
