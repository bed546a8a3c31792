#include <cstddef>
#include <cstdint>

#include "store/api/patch.h"
#include "store/api/schema.h"

/// Input: one JSON list [object, patch]; both meet as a Deployment and a Service would.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  auto input = parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!input || !input->is_array() || input->size() != 2) return 0;
  const Json& object = (*input)[0];
  const Json& patch = (*input)[1];
  (void)api::json_patch(object, patch);
  (void)api::merge_patch(object, patch);
  for (const char* name : {"Deployment", "Service", "Node", "IPAMBlock"}) {
    const api::Kind& kind = api::kind_of(name);
    auto result = api::strategic_merge(kind, object, patch);
    if (!result) continue;
    api::prune_noise(*result);
    api::apply_defaults(kind, *result);
    (void)api::validate(kind, *result, nullptr, {.unknown_fields_are_errors = true});
    (void)api::validate(kind, *result, &object);
  }
  return 0;
}
