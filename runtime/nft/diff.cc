#include "runtime/nft/diff.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "runtime/nft/chain_diff.h"

namespace hoplab::nft {

namespace {

bool owns_chain(const RuleOwner& owner, const std::string& name, const ObservedChain& chain) {
  if (chain.base) return false;
  if (chain.owner == owner.tag) return true;
  if (!chain.owner.empty()) return false;
  return std::any_of(owner.chain_prefixes.begin(), owner.chain_prefixes.end(),
                     [&](const std::string& prefix) { return name.starts_with(prefix); });
}

void add_new_chain(const Table& table, const Chain& chain, ChangePlan& plan,
                   std::vector<Change>& rules) {
  plan.build.push_back({ChangeKind::add_chain, table.name, chain.name, chain.base, {}, 0, 0});
  for (const Rule& rule : chain.rules) {
    rules.push_back({ChangeKind::add_rule, table.name, chain.name, {}, rule, 0, 0});
  }
}

/// When a table is missing, all of it becomes changes: growing the vectors would move them many
/// times.
void reserve_for_first_sync(const Ruleset& desired, const ObservedRuleset& observed,
                            ChangePlan& plan, std::vector<Change>& rules) {
  size_t chains = 0;
  size_t new_rules = 0;
  for (const Table& table : desired.tables) {
    if (observed.contains(table.name)) continue;
    chains += 1 + table.chains.size();
    for (const Chain& chain : table.chains) new_rules += chain.rules.size();
  }
  plan.build.reserve(chains + new_rules);
  rules.reserve(new_rules);
}

void remove_stale(const std::string& table, const ObservedTable& observed,
                  const std::unordered_set<std::string_view>& desired, const RuleOwner& owner,
                  ChangePlan& plan) {
  std::vector<const std::string*> doomed;
  for (const auto& [name, chain] : observed.chains) {
    if (desired.contains(name)) continue;
    if (owns_chain(owner, name, chain)) {
      doomed.push_back(&name);
      continue;
    }
    for (const ObservedRule& rule : chain.rules) {
      if (rule.owner != owner.tag) continue;
      plan.rewire.push_back({ChangeKind::delete_rule, table, name, {}, {}, rule.handle, 0});
    }
  }
  // Doomed chains may jump to each other: all are emptied before the first is deleted.
  for (const std::string* name : doomed) {
    plan.clean.push_back({ChangeKind::flush_chain, table, *name, {}, {}, 0, 0});
  }
  for (const std::string* name : doomed) {
    plan.clean.push_back({ChangeKind::delete_chain, table, *name, {}, {}, 0, 0});
  }
}

}  // namespace

Result<ChangePlan> diff(const Ruleset& desired, const ObservedRuleset& observed,
                        const RuleOwner& owner, const EncodeOptions& options) {
  ChangePlan plan;
  std::vector<Change> rules_of_new_chains;
  std::vector<Change> deletions;
  const ObservedTable empty;
  reserve_for_first_sync(desired, observed, plan, rules_of_new_chains);
  for (const Table& table : desired.tables) {
    const auto home = observed.find(table.name);
    const ObservedTable& present = home != observed.end() ? home->second : empty;
    if (home == observed.end()) {
      plan.build.push_back({ChangeKind::add_table, table.name, {}, {}, {}, 0, 0});
    }
    std::unordered_set<std::string_view> names;
    names.reserve(table.chains.size());
    for (const Chain& chain : table.chains) {
      names.insert(chain.name);
      const auto found = present.chains.find(chain.name);
      if (found == present.chains.end()) {
        // A new built-in chain sees packets at once: its rules belong to the rewiring.
        add_new_chain(table, chain, plan, chain.base ? plan.rewire : rules_of_new_chains);
        continue;
      }
      HOP_CHECK(diff_chain({table.name, chain, found->second, owner.tag, options}, plan.rewire,
                           deletions));
    }
    remove_stale(table.name, present, names, owner, plan);
  }
  std::move(rules_of_new_chains.begin(), rules_of_new_chains.end(), std::back_inserter(plan.build));
  // Add before delete: if the kernel cannot take all at once, packets meet both, never neither.
  std::move(deletions.begin(), deletions.end(), std::back_inserter(plan.rewire));
  return plan;
}

std::vector<std::string> chains_with_foreign_rules(const Ruleset& desired,
                                                   const ObservedRuleset& observed,
                                                   const ChangePlan& plan) {
  std::set<std::pair<std::string_view, uint64_t>> deleted;  // A handle is unique in its table.
  for (const Change& change : plan.rewire) {
    if (change.kind == ChangeKind::delete_rule) deleted.emplace(change.table, change.handle);
  }
  std::vector<std::string> out;
  for (const Table& table : desired.tables) {
    const auto home = observed.find(table.name);
    if (home == observed.end()) continue;
    for (const Chain& chain : table.chains) {
      const auto found = home->second.chains.find(chain.name);
      if (chain.base || found == home->second.chains.end()) continue;
      const auto& rules = found->second.rules;
      const bool foreign = std::any_of(rules.begin(), rules.end(), [&](const ObservedRule& rule) {
        return rule.owner.empty() && !deleted.contains({table.name, rule.handle});
      });
      if (foreign) out.push_back(table.name + " " + chain.name);
    }
  }
  return out;
}

}  // namespace hoplab::nft
