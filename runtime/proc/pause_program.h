#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::proc {

/// The pause program (pause.c) as an ELF file's bytes.
std::string_view pause_program();

/// Writes it as an executable file unless that very program is already there.
Result<void> install_pause_program(const std::string& path);

}  // namespace hoplab::proc
