#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/proc/sandbox_state.h"

/// Clusters and sandboxes that are not where one looks first: started under another
/// XDG_RUNTIME_DIR, or with a damaged state.json. No state; any thread.
namespace hoplab::proc {

/// Every place where a user's clusters may be: $XDG_RUNTIME_DIR/hoplab, /run/user/UID/hoplab (a
/// login session has it in XDG_RUNTIME_DIR, cron and su have not) and /tmp/hoplab-UID; root has
/// only /run/hoplab. `xdg` may be null. Pure.
std::vector<std::string> possible_runtime_folders(uid_t user, const char* xdg);

/// runtime_folder(), where new clusters are made, and behind it those other possible places that
/// exist and belong to the caller alone.
std::vector<std::string> runtime_folders();

/// Which of `runtimes` holds the cluster: one in which it lives, else one that has a folder of that
/// name, else nullopt.
std::optional<std::string> runtime_with(const std::vector<std::string>& runtimes,
                                        const std::string& cluster);

/// The living sandbox-init of the cluster whose folder that is, found without state.json: the
/// process that writes the folder's sandbox.log and is pid 1 of a pid namespace right below ours.
/// Only pid, start time and name are filled in.
std::optional<SandboxState> find_sandbox_process(const ClusterFolder& folder);

}  // namespace hoplab::proc
