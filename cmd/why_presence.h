#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cmd/why_report.h"
#include "runtime/model/operation.h"
#include "runtime/model/ruleset.h"
#include "runtime/nft/observe.h"
#include "runtime/observe/network.h"

/// Compares operations and rules with what kernels hold. Pure.
namespace hoplab::cmd {

/// One network namespace as it was found.
struct LiveNetwork {
  NetworkState state;
  /// Of the keys that were asked for; nullopt where the kernel has no such parameter.
  std::map<std::string, std::optional<std::string>> sysctls;
};

/// By Operation::netns.
using LiveNetworks = std::map<std::string, LiveNetwork>;

/// Whether the operation's result is there. A namespace that `live` does not have is gone.
Presence presence_of(const Operation& operation, const LiveNetworks& live);

/// A chain (no rule) or a rule of `owner`; a rule without an owner's mark counts when it does the
/// same, as after iptables-restore.
Presence presence_of(const nft::ObservedRuleset& live, const std::string& owner,
                     const std::string& table, const std::string& chain,
                     const std::optional<Rule>& rule);

/// The sysctl keys that the operations in `netns` set.
std::vector<std::string> sysctl_keys(const std::vector<Operation>& operations,
                                     const std::string& netns);

/// The operations as items. Their namespace is left out of the commands where it is `typed_on`.
std::vector<WhyItem> items_of(const std::vector<Operation>& operations, const LiveNetworks& live,
                              const std::string& typed_on);

}  // namespace hoplab::cmd
