#pragma once

#include <string>
#include <string_view>

#include "runtime/base/json.h"
#include "store/api/kind.h"

/// What Kubernetes' API server does to an object besides defaults and validation. Pure.
namespace hoplab {

/// Whether objects of the kind count changes of their wish in metadata.generation. Kubernetes does
/// not for the core group (before 1.33) nor for Lease.
bool has_generation(const api::Kind& kind);
/// Whether a change from `before` to `now` counts: anything but metadata and status.
bool spec_changed(const Json& before, const Json& now);

/// What a new, valid object gets besides defaults: its first status, a namespace's finalizer and
/// name label, a pod's account name, priority, QoS class and tolerations.
void admit_new(const api::Kind& kind, Json& object);

/// What an update gets besides: a DaemonSet counts the changes of its template.
void admit_update(const api::Kind& kind, const Json& current, Json& wanted);
/// The annotation that it counts in.
inline constexpr std::string_view template_generation = "deprecated.daemonset.template.generation";

/// "Guaranteed", "Burstable" or "BestEffort" from the containers' requests and limits.
std::string qos_class(const Json& pod);

/// Mounts the token secret of the pod's service account into every container that has nothing at
/// the usual place yet, unless pod or account say no.
void mount_service_account(Json& pod, const Json& account);

}  // namespace hoplab
