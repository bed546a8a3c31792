#pragma once

#include "runtime/base/json.h"

/// Taking objects up and letting them go, as ReplicaSets do with pods and Deployments with
/// ReplicaSets. Pure.
namespace hoplab::reconcile {

/// The object with `owner` as its controller, or without that owner.
Json with_controller(Json object, const Json& owner, bool controlled);

/// The value if it is a list, else an empty one.
inline const Json& list_or_empty(const Json& value) {
  static const Json empty = Json::array();
  return value.is_array() ? value : empty;
}

}  // namespace hoplab::reconcile
