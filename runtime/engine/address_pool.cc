#include "runtime/engine/address_pool.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace hoplab::engine {

namespace {

bool may_be_used(const Network& network, Ipv4 address) {
  return network.subnet.contains(address) && address != network.subnet.network() &&
         address != network.subnet.broadcast() && address != network.gateway;
}

bool contains(std::span<const Ipv4> addresses, Ipv4 address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

}  // namespace

Result<Prefix> free_subnet(std::span<const Network> networks, std::span<const Prefix> used) {
  for (uint8_t second = 18; second <= 31; ++second) {
    const Prefix candidate(Ipv4(172, second, 0, 0), 16);
    const bool clashes =
        std::any_of(networks.begin(), networks.end(),
                    [&](const Network& network) {
                      return network.is_bridge() && network.subnet.overlaps(candidate);
                    }) ||
        std::any_of(used.begin(), used.end(), [&](const Prefix& prefix) {
          return prefix.length() != 0 && prefix.overlaps(candidate);
        });
    if (!clashes) return candidate;
  }
  return Error(ErrorCode::unavailable,
               "could not find an available, non-overlapping IPv4 address pool among the defaults "
               "to assign to the network");
}

Result<Ipv4> free_address(const Network& network, std::span<const Ipv4> taken) {
  for (uint64_t i = 1; i + 1 < network.subnet.size(); ++i) {
    const Ipv4 address = network.subnet.network() + static_cast<uint32_t>(i);
    if (may_be_used(network, address) && !contains(taken, address)) return address;
  }
  return Error(ErrorCode::unavailable, str("no available IPv4 addresses on network ", network.name,
                                           " (", to_string(network.subnet), ")"));
}

Result<Ipv4> check_address(const Network& network, Ipv4 wanted, std::span<const Ipv4> taken) {
  if (network.is_default()) {
    return Error(ErrorCode::invalid,
                 "user specified IP address is supported on user defined networks only");
  }
  if (!may_be_used(network, wanted)) {
    return Error(
        ErrorCode::invalid,
        str("invalid address ", to_string(wanted), ": it does not belong to the subnet ",
            to_string(network.subnet), " of network ", network.name, " or is the network's own"));
  }
  if (contains(taken, wanted)) return Error(ErrorCode::conflict, "Address already in use");
  return wanted;
}

Mac mac_of(Ipv4 address) {
  const uint32_t value = address.value();
  return Mac{{0x02, 0x42, static_cast<uint8_t>(value >> 24U), static_cast<uint8_t>(value >> 16U),
              static_cast<uint8_t>(value >> 8U), static_cast<uint8_t>(value)}};
}

}  // namespace hoplab::engine
