// The readers of nftables dumps on arbitrary bytes.

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/nft/identity.h"
#include "runtime/nft/observe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  hoplab::nft::find_mark(bytes);
  hoplab::nft::parse_table_message(bytes);
  hoplab::nft::parse_chain_message(bytes);
  hoplab::nft::parse_rule_message(bytes);
  return 0;
}
