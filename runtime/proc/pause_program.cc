#include "runtime/proc/pause_program.h"

#include "runtime/base/fd.h"

// The assembler is the one way both compilers have to embed a file (#embed is C++26).
asm(".pushsection .rodata\n"
    ".global hoplab_pause_begin\n"
    ".global hoplab_pause_end\n"
    "hoplab_pause_begin:\n"
    ".incbin \"" HOPLAB_PAUSE
    "\"\n"
    "hoplab_pause_end:\n"
    ".popsection\n");

extern "C" {
extern const char hoplab_pause_begin[];
extern const char hoplab_pause_end[];
}

namespace hoplab::proc {

std::string_view pause_program() {
  return {hoplab_pause_begin, static_cast<size_t>(hoplab_pause_end - hoplab_pause_begin)};
}

Result<void> install_pause_program(const std::string& path) {
  auto present = read_file(path, 1U << 20U);
  if (present && *present == pause_program()) return {};
  return replace_file(path, pause_program(), 0755).context("installing the pause program");
}

}  // namespace hoplab::proc
