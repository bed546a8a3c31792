#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/proc/sandbox_state.h"

namespace hoplab::cmd {

/// Ends the sandbox and removes what is left of a cluster outside it. False when there was nothing.
Result<bool> remove_cluster(const std::string& runtime, const std::string& name);

/// The same for a folder that is held already; the folder stays, empty.
Result<void> clear_cluster(const proc::ClusterFolder& folder);

}  // namespace hoplab::cmd
