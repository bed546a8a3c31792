#include "runtime/nft/firewall.h"

#include <algorithm>
#include <set>

#include "runtime/base/text.h"
#include "runtime/nft/diff.h"

namespace hoplab::nft {

namespace {

constexpr int attempts = 5;

std::vector<std::string> table_names(const Ruleset& rules) {
  std::vector<std::string> names;
  for (const Table& table : rules.tables) names.push_back(table.name);
  return names;
}

/// Takes chains that must stay out of a plan; they stay empty of our rules.
void keep_chains(ChangePlan& plan, const std::set<std::pair<std::string, std::string>>& busy) {
  std::erase_if(plan.clean, [&](const Change& change) {
    return change.kind == ChangeKind::delete_chain && busy.contains({change.table, change.chain});
  });
}

/// Somebody else changed the tables between our look and our commit.
bool worth_another_look(const Error& error) {
  return error.code() == ErrorCode::not_found || error.code() == ErrorCode::already_exists ||
         error.code() == ErrorCode::conflict || error.sys_errno() == EAGAIN ||
         error.sys_errno() == ERESTART;
}

}  // namespace

Result<Firewall> Firewall::open(RuleOwner owner) {
  HOP_TRY(NftSocket socket, NftSocket::open());
  return Firewall(std::move(socket), std::move(owner));
}

Result<Firewall> Firewall::open_in(int netns_fd, RuleOwner owner) {
  HOP_TRY(NftSocket socket, NftSocket::open_in(netns_fd));
  return Firewall(std::move(socket), std::move(owner));
}

EncodeOptions Firewall::encode_options() {
  return {owner_.tag, [this](const std::string& name) { return socket_.set_index(name); }};
}

template <typename Observe>
Result<ApplyReport> Firewall::apply(const Ruleset& desired, const RuleOwner& owner,
                                    Observe observe_now) {
  const EncodeOptions options = encode_options();
  std::set<std::pair<std::string, std::string>> busy;
  for (int attempt = 1;; ++attempt) {
    HOP_TRY(const ObservedRuleset observed, observe_now());
    HOP_TRY(ChangePlan changes, diff(desired, observed, owner, options));
    keep_chains(changes, busy);
    const CommitReport commit_report = commit(socket_, changes, options);
    if (!commit_report.error) {
      ApplyReport report{{}, commit_report.batches, {}, {}};
      report.foreign_chains = chains_with_foreign_rules(desired, observed, changes);
      report.changes = std::move(changes);
      for (const auto& [table, chain] : busy) report.kept_chains.push_back(table + " " + chain);
      return report;
    }
    const auto& refused = commit_report.refused;
    const bool held = refused && refused->kind == ChangeKind::delete_chain &&
                      commit_report.error->sys_errno() == EBUSY;
    // Every refused chain is one round; only rounds without progress count as attempts.
    if (held && busy.insert({refused->table, refused->chain}).second) {
      --attempt;
      continue;
    }
    if (!worth_another_look(*commit_report.error) || attempt == attempts) {
      return Error(*commit_report.error);
    }
  }
}

Result<ApplyReport> Firewall::sync(const Ruleset& desired) {
  return apply(desired, owner_, [&] { return observe_tables(socket_, table_names(desired)); });
}

Result<ApplyReport> Firewall::update(
    const Ruleset& changed, const std::vector<std::pair<std::string, std::string>>& removed) {
  std::vector<std::pair<std::string, std::string>> chains = removed;
  RuleOwner owner = owner_;
  Ruleset desired = changed;
  for (Table& table : desired.tables) {
    std::erase_if(table.chains, [](const Chain& chain) { return chain.base.has_value(); });
    for (const Chain& chain : table.chains) chains.emplace_back(table.name, chain.name);
  }
  for (const auto& [table, chain] : removed) {
    owner.chain_prefixes.push_back(chain);  // Ours by name, should it have lost its mark.
    const bool known = std::any_of(desired.tables.begin(), desired.tables.end(),
                                   [&name = table](const Table& t) { return t.name == name; });
    if (!known) desired.tables.push_back({table, {}});
  }
  return apply(desired, owner, [&] { return observe_chains(socket_, chains); });
}

Result<ChangePlan> Firewall::plan(const Ruleset& desired) {
  HOP_TRY(const ObservedRuleset observed, observe_tables(socket_, table_names(desired)));
  return diff(desired, observed, owner_, encode_options());
}

Result<ObservedRuleset> Firewall::observe(const std::vector<std::string>& tables) {
  return observe_tables(socket_, tables);
}

}  // namespace hoplab::nft
