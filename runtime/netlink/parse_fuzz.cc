#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "runtime/netlink/messages.h"
#include "runtime/netlink/parse.h"
#include "runtime/netlink/traffic_messages.h"

// Any bytes as the kernel's answer: every reader must come back without touching what is outside.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab;
  std::vector<std::byte> bytes(size);  // aligned as a receive buffer is
  if (size != 0) std::memcpy(bytes.data(), data, size);
  const LinkNames names = [](int32_t index) { return "if" + std::to_string(index); };
  for_each_message(std::span<const std::byte>(bytes), [&](const nlmsghdr& message) {
    if (auto link = parse_link(message, names)) (void)link->name.size();
    if (auto address = parse_address(message, names)) (void)to_string(address->prefix);
    for (const Route& route : parse_routes(message, names)) (void)to_string(route);
    (void)parse_neighbor(message, names);
    (void)parse_conntrack(message);
    (void)parse_ipset(message);
    (void)parse_bpf_filter(message, names);
    (void)parse_qdisc(message, names);
    (void)read_ack(message);
  });
  return 0;
}
