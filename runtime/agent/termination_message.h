#pragma once

#include <string>

#include "runtime/agent/pod_record.h"
#include "runtime/proc/container_types.h"

namespace hoplab::agent {

/// Lets the container find the (empty) file `on_node` at its terminationMessagePath.
Result<void> offer_message_file(const std::string& on_node, const Json& container,
                                proc::ContainerSpec& spec);

/// What a container that ended left as its message: the end of its file; with the policy
/// FallbackToLogsOnError and a failure without a file, the end of its log. Sizes are kubelet's.
std::string read_termination_message(const std::string& on_node, const Json& container,
                                     int exit_code, const std::string& log);

}  // namespace hoplab::agent
