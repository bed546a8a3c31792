// Bytes as the head of a request and of a response.

#include <cstdint>
#include <string_view>

#include "web/http_head.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)hoplab::web::parse_request_head(text);
  (void)hoplab::web::parse_response_head(text);
  return 0;
}
