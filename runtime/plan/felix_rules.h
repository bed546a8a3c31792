#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/ipset.h"
#include "runtime/model/ruleset.h"

namespace hoplab::plan {

/// Felix's marks (facts/calico.md 5); kube-proxy's 0x4000 and 0x8000 do not collide.
namespace felix_mark {
inline constexpr uint32_t accept = 0x10000;
inline constexpr uint32_t pass = 0x20000;
inline constexpr uint32_t scratch0 = 0x40000;
inline constexpr uint32_t scratch1 = 0x80000;
}  // namespace felix_mark

/// An IP pool as the rules see it.
struct NatPool {
  Prefix cidr;
  bool nat_outgoing = false;
  bool operator==(const NatPool&) const = default;
};

struct FelixRulesInput {
  std::vector<NatPool> pools;
  std::string tunnel = "tunl0";  ///< Empty when nothing is encapsulated.
  bool use_sets = true;          ///< False where the kernel has no ipset: CIDRs in the rules.
  bool operator==(const FelixRulesInput&) const = default;
};

/// What calico-node keeps in the packet filter, in Felix's form: the nat chains (source NAT for
/// packets from a pool with natOutgoing to outside all pools; the tunnel's source address) and the
/// filter table's FORWARD part. Every rule's first comment is Felix's hash, so a listing shows the
/// ids of a real cluster.
///
/// Differences to Felix: the workload dispatch chains are empty, since there are no policies yet;
/// of INPUT, OUTPUT, raw and mangle, which only matter to policies and to the check of the outer
/// packets' source, there is nothing.
Ruleset felix_rules(const FelixRulesInput& input);
/// The sets its rules match against; they must exist first. None without `use_sets`.
std::vector<IpSet> felix_sets(const FelixRulesInput& input);

/// Felix's rule hashes: h(0) = SHA-224(chain), h(i) = SHA-224(h(i-1) + rule text), the first 16
/// characters of base64url each. `chain` is "FORWARD*appends*" for rules appended to FORWARD.
std::vector<std::string> felix_rule_hashes(std::string_view chain, const std::vector<Rule>& rules);
/// A rule as Felix writes it for hashing: "-A cali-FORWARD HASH --jump MARK --set-mark 0/0xe0000".
/// Only what its own rules use: interfaces, protocol, addresses, comments, marks, states, sets,
/// local addresses.
std::string felix_rule_text(std::string_view chain, const Rule& rule);

/// Who owns the rules, for nft::Firewall: tag and name prefix of the chains.
inline constexpr std::string_view felix_owner = "calico";
inline constexpr std::string_view felix_chain_prefix = "cali-";

}  // namespace hoplab::plan
