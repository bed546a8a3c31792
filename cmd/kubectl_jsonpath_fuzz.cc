#include <cstddef>
#include <cstdint>

#include "cmd/kubectl_jsonpath.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  using cmd::kubectl::JsonPath;
  static const Json pod = {{"kind", "Pod"},
                           {"metadata", {{"name", "web"}, {"x.y", true}}},
                           {"items", Json::array({{{"a", 1.5}, {"b", "t"}, {"c", nullptr}}, 2})}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto path = JsonPath::parse(text)) (void)path->print(pod);
  if (auto path = JsonPath::parse_relaxed(text)) (void)path->find(pod);
  return 0;
}
