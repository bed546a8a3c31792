#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"

/// What the kernel's IPv4 tables hold now, as far as the diff needs it.
namespace hoplab::nft {

class NftSocket;

struct ObservedRule {
  uint64_t handle = 0;
  std::string owner;  ///< Empty for a rule without our mark.
  uint64_t hash = 0;  ///< rule_hash() of the rule its owner made.
  std::string shape;  ///< Only of rules without a mark: what it does (see rule_shape()).
  uint64_t packets = 0, bytes = 0;
  bool operator==(const ObservedRule&) const = default;
};

struct ObservedChain {
  bool base = false;
  std::string owner;  ///< Empty for a chain without our mark.
  std::vector<ObservedRule> rules;
  bool operator==(const ObservedChain&) const = default;
};

struct ObservedTable {
  std::map<std::string, ObservedChain, std::less<>> chains;
};

/// Tables by name; only those asked for, only chains asked for.
using ObservedRuleset = std::map<std::string, ObservedTable, std::less<>>;

/// All chains and rules of these tables (those that exist).
Result<ObservedRuleset> observe_tables(NftSocket& socket, const std::vector<std::string>& tables);

/// Only these chains (table, chain) that exist; costs nothing for the rest of a large table.
/// A table appears when at least one of its chains was asked for and the table exists.
Result<ObservedRuleset> observe_chains(
    NftSocket& socket, const std::vector<std::pair<std::string, std::string>>& chains);

// The readers of single netlink messages (header included), for tests and the fuzzer. Nullopt: a
// message of another type or family. They copy; `message` needs no alignment.
struct RuleMessage {
  std::string table, chain;
  ObservedRule rule;
};
struct ChainMessage {
  std::string table, chain;
  ObservedChain info;
};
std::optional<RuleMessage> parse_rule_message(std::span<const std::byte> message);
std::optional<ChainMessage> parse_chain_message(std::span<const std::byte> message);
std::optional<std::string> parse_table_message(std::span<const std::byte> message);

}  // namespace hoplab::nft
