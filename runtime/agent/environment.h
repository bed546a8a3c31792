#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/agent/pod_record.h"
#include "runtime/agent/pod_status.h"
#include "runtime/base/result.h"

namespace hoplab::agent {

/// Reads an object of the pod's namespace: kind "ConfigMap" or "Secret", and its name.
using ObjectLookup = std::function<Result<Json>(const std::string& kind, const std::string& name)>;

using Variables = std::vector<std::pair<std::string, std::string>>;

/// The container's environment in order: service variables, envFrom, env with valueFrom resolved
/// and $(VAR) expanded. A missing ConfigMap or Secret that is not optional is `not_found` with
/// kubelet's text; the caller reports it as CreateContainerConfigError.
Result<Variables> make_environment(const PodRecord& pod, const Json& container,
                                   const NodeFacts& node, const std::vector<Json>& services,
                                   const ObjectLookup& lookup);

/// KUBERNETES_SERVICE_HOST and the Docker-link style variables of each service with a cluster IP.
Variables service_variables(const std::vector<Json>& services);

/// The value of a downward-API field such as "metadata.labels['app']" or "status.podIP".
Result<std::string> downward_field(const PodRecord& pod, const NodeFacts& node,
                                   const std::string& path);

/// A limit or request of one of the pod's containers, divided by the reference's divisor and
/// rounded up. Without a limit it is what the node has, without a request it is 0.
Result<std::string> resource_field(const PodRecord& pod, const std::string& container_name,
                                   const Json& reference);

/// Replaces $(NAME) by earlier variables; $$ is a literal $; unknown names stay as written.
std::string expand(std::string_view text, const Variables& variables);

}  // namespace hoplab::agent
