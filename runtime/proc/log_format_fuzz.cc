#include <cstddef>
#include <cstdint>

#include "runtime/proc/log_format.h"

/// What parses is formatted and parsed again to the same entry.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab::proc;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto entry = parse_log_entry(line.substr(0, line.find('\n')));
  if (!entry) return 0;
  std::string text = format_log_entry(*entry);
  auto back = parse_log_entry(text);
  if (!back || back->text != entry->text || back->partial != entry->partial) __builtin_trap();
  return 0;
}
