#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/nft/change.h"
#include "runtime/nft/observe.h"
#include "runtime/nft/render_batch.h"

/// The part of the diff that looks at one chain. Pure.
namespace hoplab::nft {

struct ChainDiffInput {
  const std::string& table;
  const Chain& desired;
  const ObservedChain& observed;
  const std::string& owner;
  const EncodeOptions& options;
};

/// Appends the rules to add (in the order of sending) and to delete.
Result<void> diff_chain(const ChainDiffInput& input, std::vector<Change>& additions,
                        std::vector<Change>& deletions);

/// Positions (ascending) of a longest strictly increasing subsequence; entries of -1 are skipped.
std::vector<size_t> longest_increasing(const std::vector<int64_t>& values);

}  // namespace hoplab::nft
