#include <cstddef>
#include <cstdint>

#include "store/api/selector.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Json labels = {{"app", "web"}, {"tier", ""}};
  if (auto selector = api::LabelSelector::parse(text)) (void)selector->matches(labels);
  if (auto selector = api::FieldSelector::parse(text)) {
    (void)selector->matches({{"metadata", {{"labels", labels}}}});
  }
  if (auto json = parse_json(text)) (void)api::LabelSelector::from_json(*json);
  return 0;
}
