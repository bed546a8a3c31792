#pragma once

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "store/api/kind.h"

namespace hoplab::api {

/// Kubernetes' strategic merge patch with the merge keys and directives of facts/kubectl.md 4.
Result<Json> strategic_merge(const Kind& kind, const Json& original, const Json& patch);
/// RFC 7386.
Result<Json> merge_patch(const Json& original, const Json& patch);
/// RFC 6902.
Result<Json> json_patch(const Json& original, const Json& patch);

}  // namespace hoplab::api
