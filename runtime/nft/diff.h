#pragma once

#include "runtime/base/result.h"
#include "runtime/nft/change.h"
#include "runtime/nft/observe.h"
#include "runtime/nft/render_batch.h"

namespace hoplab::nft {

/// The fewest changes that turn what is observed into what is desired. Pure.
///
/// `observed` must hold every chain that `desired` names, if the kernel has it; chains that only
/// `observed` holds and that are the owner's are deleted. So the same function serves a whole sync
/// (everything observed) and a small one (the chains that may have changed).
///
/// - A rule that is wanted and there keeps its handle and counter.
/// - Rules without the owner's mark are left alone, unless they do exactly what a desired rule of
///   that chain does (a saved and restored ruleset has lost the marks): those are replaced.
/// - A built-in chain is made when missing and otherwise never changed; its policy is not ours.
Result<ChangePlan> diff(const Ruleset& desired, const ObservedRuleset& observed,
                        const RuleOwner& owner, const EncodeOptions& options);

/// The desired chains of our own ("nat KUBE-SVC-…") in which rules without a mark stay after
/// `plan`: what somebody added or edited there and we leave alone. Pure.
std::vector<std::string> chains_with_foreign_rules(const Ruleset& desired,
                                                   const ObservedRuleset& observed,
                                                   const ChangePlan& plan);

}  // namespace hoplab::nft
