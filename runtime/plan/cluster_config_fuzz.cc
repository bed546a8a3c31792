#include <cstdlib>
#include <string_view>

#include "runtime/plan/cluster_config.h"
#include "runtime/plan/underlay.h"
#include "store/api/manifest.h"

/// Any text is either refused or gives a cluster that survives its own JSON and can be planned.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  auto content =
      api::parse_yaml(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!content) return 0;
  auto config = plan::parse_cluster_config(*content, "fuzz");
  if (!config) return 0;
  auto again = plan::parse_cluster_config(to_json(*config), "again");
  if (!again || *again != *config) std::abort();
  if (plan::plan_underlay(*config, {}).empty()) std::abort();
  return 0;
}
