#pragma once

#include <variant>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "store/api/kind.h"
#include "store/source.h"

namespace hoplab {

/// The object goes now.
struct RemoveNow {};
/// The object stays for a while, changed to this (deletionTimestamp, finalizers, phase).
struct MarkDeleted {
  Json object;
};
/// It is on its way already; nothing changes.
struct KeepAsIs {};

using DeletionPlan = std::variant<RemoveNow, MarkDeleted, KeepAsIs>;

/// What DELETE does to a stored object (facts/kubectl.md 4): pods get their grace, finalizers and
/// propagation policies are honored, a namespace is first emptied. Pure. Fails for what may not be
/// deleted (the namespaces `default`, `kube-system`, `kube-public`) or not again.
Result<DeletionPlan> plan_deletion(const api::Kind& kind, const Json& object,
                                   const DeleteOptions& options, WallTime now);

/// Whether a marked object has nothing left to wait for after a change.
bool ready_to_go(const api::Kind& kind, const Json& object);

}  // namespace hoplab
