#pragma once

#include <span>

#include "runtime/engine/types.h"
#include "runtime/model/ruleset.h"

/// The engine's rules in the packet filter: masquerading, isolation between networks, published
/// ports, as docker 20.10 writes them. Pure.
namespace hoplab::engine {

/// Who marks the engine's rules (nft::RuleOwner).
inline constexpr const char* rules_owner = "docker";
inline constexpr const char* rules_chain_prefix = "DOCKER";

/// A published port of a running container.
struct Forwarding {
  std::string bridge;
  Ipv4 container_ip;
  PublishedPort port;
};

/// FORWARD's policy is not in it: an existing chain keeps its own (see engine.h).
Ruleset bridge_rules(std::span<const Network> networks, std::span<const Forwarding> forwardings);

}  // namespace hoplab::engine
