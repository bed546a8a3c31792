#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/tunnel/coalesce.h"
#include "runtime/tunnel/packet.h"

// The first ten bytes are an offload header, as a pod can choose it; the rest is a packet, both as
// it comes from the wire and as it goes there.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab::tunnel;
  Offload offload;
  if (size < sizeof offload) return 0;
  std::memcpy(&offload, data, sizeof offload);
  const std::vector<uint8_t> original(data + sizeof offload, data + size);

  std::vector<uint8_t> outer = original;
  if (auto inner = decapsulate(outer)) {
    const std::vector<Bytes> packets{*inner};
    std::vector<Merged> merged;
    coalesce(packets, merged);
  }

  std::vector<uint8_t> one = original;
  static Segmenter segmenter;
  segmenter.clear();
  std::vector<Bytes> out;
  if (segmenter.run(offload, one, out)) {
    std::vector<Merged> merged;
    coalesce(out, merged);
  }
  return 0;
}
