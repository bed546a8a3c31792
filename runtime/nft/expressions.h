#pragma once

// Private to runtime/nft: names libnftnl types.

#include <libnftnl/rule.h>

#include <functional>
#include <memory>
#include <string>

#include "runtime/base/result.h"
#include "runtime/model/ruleset.h"

namespace hoplab::nft {

struct NftnlRuleDeleter {
  void operator()(nftnl_rule* rule) const { nftnl_rule_free(rule); }
};
using NftnlRule = std::unique_ptr<nftnl_rule, NftnlRuleDeleter>;

/// Finds the kernel's number of an ipset, which is what a rule really holds.
using SetIndex = std::function<Result<uint16_t>(const std::string& name)>;

struct BuildOptions {
  /// A comment that stands last among the matches goes into user data: iptables prints it at the
  /// same place, and the rule is 256 bytes smaller in every message and in the kernel.
  bool trailing_comment_in_user_data = true;
  SetIndex set_index;  ///< May be empty when no rule matches a set.
};

/// The nftables expressions that iptables-nft itself would make for the rule, in its order
/// (facts/kernel.md P2). `comment` receives the text that belongs into user data.
Result<NftnlRule> build_expressions(const Rule& rule, const BuildOptions& options,
                                    std::string* comment);

}  // namespace hoplab::nft
