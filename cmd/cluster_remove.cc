#include "cmd/cluster_remove.h"

#include "runtime/base/json.h"
#include "runtime/proc/cgroup.h"
#include "runtime/proc/node_init_config.h"

namespace hoplab::cmd {

Result<void> clear_cluster(const proc::ClusterFolder& folder) {
  if (auto state = folder.state()) {
    HOP_CHECK(proc::end_sandbox(*state));
    // Cgroups are files of the computer's: they stay when their processes end.
    for (const auto& host : member(state->config, "hosts")) {
      proc::NodeConfig node;
      node.cluster = state->name;
      node.host = string_or(host, "name");
      proc::remove_node_cgroups(node.cgroup_name());
    }
  }
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
