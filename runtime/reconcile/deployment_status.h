#pragma once

#include <optional>
#include <vector>

#include "runtime/base/clock.h"
#include "store/object_store.h"

namespace hoplab::reconcile {

/// Deployment.status with the conditions Available and Progressing in Kubernetes' words. Pure.
/// `current` is the ReplicaSet of the present template or null. `look_again` is set to the moment
/// at which the progress deadline passes.
Json deployment_status(const Json& deployment, const Json* current,
                       const std::vector<SharedJson>& sets, WallTime now,
                       std::optional<Millis>* look_again);

/// Everything wished for is updated and available, nothing old is left.
bool deployment_complete(const Json& deployment, const Json& status);

}  // namespace hoplab::reconcile
