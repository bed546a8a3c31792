#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "store/api/manifest.h"

/// Reading never crashes, and what was read survives writing and reading again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto documents = api::parse_manifest(text, "fuzz.yaml");
  if (!documents) return 0;
  for (const auto& document : *documents) {
    auto again = api::parse_yaml(api::to_yaml(document.object), "again.yaml");
    if (!again || *again != document.object) std::abort();
  }
  return 0;
}
