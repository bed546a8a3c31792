#include "cmd/cluster_remove.h"

#include "runtime/proc/cgroup.h"

namespace hoplab::cmd {

Result<void> clear_cluster(const proc::ClusterFolder& folder) {
  if (auto state = folder.state()) HOP_CHECK(proc::end_sandbox(*state));
  // Cgroups are files of the computer's: they stay when their processes end. They are found by the
  // cluster's name, for a damaged state.json does not name its hosts.
  proc::remove_cluster_cgroups(folder.name());
  return folder.clear();
}

Result<bool> remove_cluster(const std::string& runtime, const std::string& name) {
  HOP_TRY(auto folder, proc::ClusterFolder::find(runtime, name));
  if (!folder) return false;
  HOP_CHECK(clear_cluster(*folder).context("ending cluster " + name));
  HOP_CHECK(folder->remove());
  return true;
}

}  // namespace hoplab::cmd
