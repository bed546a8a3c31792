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
/// changes. Without `overwrite` it fails when one that is to be set is there, even with that value:
/// so does kubectl 1.20.
Result<Json> pair_patch(const PairChanges& changes, const Json& object, const std::string& field,
                        bool overwrite);

}  // namespace hoplab::cmd::kubectl
