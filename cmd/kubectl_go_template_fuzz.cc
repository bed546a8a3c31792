#include <cstddef>
#include <cstdint>

#include "cmd/kubectl_go_template.h"

// What {{range}} walks over has one element everywhere: nested ranges would multiply.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  static const Json pod = {{"kind", "Pod"},
                           {"metadata", {{"name", "web"}, {"labels", {{"app", "shop"}}}}},
                           {"items", Json::array({{{"a", 1.5}, {"b", true}, {"c", nullptr}}})},
                           {"data", {{"k", "aG9w"}}}};
  auto parsed = cmd::kubectl::GoTemplate::parse({reinterpret_cast<const char*>(data), size});
  if (parsed) (void)parsed->print(pod);
  return 0;
}
