#pragma once

#include "runtime/agent/pod_record.h"
#include "runtime/base/result.h"

namespace hoplab::agent {

/// A securityContext's field for one container: its own value, else the pod's, else null.
const Json& security_field(const PodRecord& pod, const Json& container, std::string_view field);

/// Whether runAsNonRoot is asked for.
bool must_not_be_root(const PodRecord& pod, const Json& container);

/// kubelet's check of runAsNonRoot before a container is made (kuberuntime/security_context.go,
/// verifyRunAsNonRoot): `image_user` is the image's USER, "" for root. The error has kubelet's
/// words; the container then waits as CreateContainerConfigError. Pure.
Result<void> verify_non_root(const PodRecord& pod, const Json& container,
                             std::string_view image_user);

}  // namespace hoplab::agent
