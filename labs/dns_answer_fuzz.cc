// Answers come from anyone.

#include <cstddef>
#include <cstdint>

#include "labs/probe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)hoplab::labs::dns_answer(0x1234, {reinterpret_cast<const char*>(data), size});
  return 0;
}
