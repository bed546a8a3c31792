#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/nft/change.h"
#include "runtime/nft/observe.h"
#include "runtime/nft/transaction.h"

namespace hoplab::nft {

/// What a call to Firewall did.
struct ApplyReport {
  ChangePlan changes;  ///< As last planned; all of it is in the kernel.
  size_t batches = 0;  ///< Kernel transactions.
  /// Chains of ours that had to stay because somebody else's rule jumps to them ("nat KUBE-…").
  std::vector<std::string> kept_chains;
  /// Chains of ours that hold rules of others, which we leave alone ("nat KUBE-SEP-…").
  std::vector<std::string> foreign_chains;
};

/// One owner's rules in the IPv4 tables of one network namespace. Keeps no state but the socket:
/// every call looks at the kernel first, so a crash needs no recovery. One thread at a time.
class Firewall {
 public:
  /// In the calling thread's namespace.
  static Result<Firewall> open(RuleOwner owner);
  static Result<Firewall> open_in(int netns_fd, RuleOwner owner);

  /// Makes the kernel hold `desired` and nothing else of ours in the tables that it names. Reads
  /// these tables whole (some 40 ms per 10,000 rules).
  Result<ApplyReport> sync(const Ruleset& desired);

  /// Brings only some chains up to date: those in `changed`, and `removed` (table, chain) which
  /// are to go. Built-in chains in `changed` are ignored: sync() looks after them. Whatever the
  /// changed rules jump to must be among them or exist already.
  Result<ApplyReport> update(const Ruleset& changed,
                             const std::vector<std::pair<std::string, std::string>>& removed);

  /// What sync() would do.
  Result<ChangePlan> plan(const Ruleset& desired);
  /// Everything in these tables, also of others.
  Result<ObservedRuleset> observe(const std::vector<std::string>& tables);

  NftSocket& socket() { return socket_; }

 private:
  Firewall(NftSocket socket, RuleOwner owner)
      : socket_(std::move(socket)), owner_(std::move(owner)) {}

  template <typename Observe>
  Result<ApplyReport> apply(const Ruleset& desired, const RuleOwner& owner, Observe observe_now);
  EncodeOptions encode_options();

  NftSocket socket_;
  RuleOwner owner_;
};

}  // namespace hoplab::nft
