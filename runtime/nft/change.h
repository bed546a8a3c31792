#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/model/ruleset.h"

namespace hoplab::nft {

/// Who owns a rule. Every rule and chain we make carries the tag in its user data, which iptables
/// does not print; so several owners share tables and base chains without touching each other.
struct RuleOwner {
  std::string tag;  ///< "kube-proxy"; at most 60 bytes.
  /// Chains with these name prefixes are the owner's even without the mark: a saved and restored
  /// ruleset has lost it. ("KUBE-SVC-", "KUBE-SEP-", …)
  std::vector<std::string> chain_prefixes;
};

enum class ChangeKind {
  add_table,
  add_chain,
  add_rule,
  delete_rule,
  flush_chain,
  delete_chain,
};

/// One step of a transaction, as a value.
struct Change {
  ChangeKind kind = ChangeKind::add_rule;
  std::string table;
  std::string chain;
  std::optional<BaseChain> base;  ///< add_chain
  std::optional<Rule> rule;       ///< add_rule
  uint64_t handle = 0;            ///< delete_rule: which; add_rule: before which (0 = at the end).
  size_t number = 0;              ///< Rule number that iptables would use; 0 = at the end.
  bool operator==(const Change&) const = default;
};

/// What to do, in the order that is safe when one kernel transaction cannot hold it all.
struct ChangePlan {
  std::vector<Change> build;   ///< New tables, chains and the rules in chains nobody jumps to yet.
  std::vector<Change> rewire;  ///< Changes of rules that packets pass now.
  std::vector<Change> clean;   ///< Chains nobody needs any more.
  [[nodiscard]] bool empty() const { return build.empty() && rewire.empty() && clean.empty(); }
  [[nodiscard]] size_t size() const { return build.size() + rewire.size() + clean.size(); }
};

/// The command that does the same: "iptables -t nat -A …", "nft delete rule ip nat X handle 7".
std::string to_command(const Change& change);

}  // namespace hoplab::nft
