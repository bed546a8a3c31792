#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/image/manifest.h"
#include "runtime/image/reference.h"

/// Reading never crashes; what was read as a config survives writing and reading again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)image::parse_index(text);
  (void)image::parse_manifest(text);
  (void)image::parse_docker_manifest(text);
  if (auto name = image::Reference::parse(text)) {
    auto again = image::Reference::parse(name->full());
    if (!again || again->full() != name->full()) std::abort();
  }
  if (auto config = image::parse_config(text)) {
    auto again = image::parse_config(image::config_text(*config));
    if (!again || *again != *config) std::abort();
  }
  return 0;
}
