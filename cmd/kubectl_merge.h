#pragma once

#include "runtime/base/json.h"
#include "store/api/kind.h"

/// What `kubectl apply` sends, computed as k8s.io/apimachinery's strategicpatch does. Pure.
namespace hoplab::cmd::kubectl {

/// The patch that makes `current` (the server's object) what `modified` (the manifest) says and
/// deletes what `original` (the manifest applied last, or an empty object) had and `modified` has
/// not. {} when there is nothing to do. `kind` null: no merge keys are known, lists are replaced
/// whole, and the result is a JSON merge patch.
Json three_way_patch(const api::Kind* kind, const Json& original, const Json& modified,
                     const Json& current);

/// The annotation in which apply keeps the manifest.
inline constexpr char last_applied_key[] = "kubectl.kubernetes.io/last-applied-configuration";

/// The manifest with itself (without that annotation) as that annotation.
Json with_last_applied(Json manifest);
/// The manifest applied last; an empty object when there is none or it is no JSON.
Json last_applied(const Json& object);

}  // namespace hoplab::cmd::kubectl
