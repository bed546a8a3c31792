#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "runtime/engine/types.h"

/// Which subnet a network gets and which address a container. Pure.
namespace hoplab::engine {

/// docker0's network.
inline constexpr Prefix default_subnet(Ipv4(172, 17, 0, 0), 16);

/// docker's next choice: 172.18.0.0/16 and on, skipping what overlaps a network or `used` (what the
/// host has routes to). `unavailable` with docker's words when there is none left.
Result<Prefix> free_subnet(std::span<const Network> networks, std::span<const Prefix> used);

/// The lowest address that is neither the network's, the gateway's, the broadcast address nor in
/// `taken`. `unavailable` when the subnet is full.
Result<Ipv4> free_address(const Network& network, std::span<const Ipv4> taken);

/// `wanted` if it may be had; the error says why not.
Result<Ipv4> check_address(const Network& network, Ipv4 wanted, std::span<const Ipv4> taken);

/// 02:42 and the address, as docker derives it: one address, one MAC, whatever container has it.
Mac mac_of(Ipv4 address);

}  // namespace hoplab::engine
