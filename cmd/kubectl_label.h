#pragma once

#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::cmd::kubectl {

/// What `label` or `annotate` shall change: `a=b` sets, `a-` removes.
struct PairChanges {
  std::vector<std::string> resources;  ///< The arguments before the first pair.
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> removed;
  /// `what` is "label" or "annotation".
  static Result<PairChanges> parse(const std::vector<std::string>& args, std::string_view what);
};

/// The merge patch for an object with these labels (or annotations, by `field`); {} when nothing
/// changes. Fails when a value would be overwritten without `overwrite`. `missing` gets the keys
/// that were to be removed and are not there.
Result<Json> pair_patch(const PairChanges& changes, const Json& object, const std::string& field,
                        bool overwrite, std::vector<std::string>& missing);

}  // namespace hoplab::cmd::kubectl
