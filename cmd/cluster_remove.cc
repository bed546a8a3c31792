#include "cmd/cluster_remove.h"

#include "runtime/base/text.h"
#include "runtime/proc/cgroup.h"
#include "runtime/proc/sandbox_control.h"
#include "runtime/proc/sandbox_find.h"

namespace hoplab::cmd {

namespace {

/// By state.json, or without it: a damaged one must not leave a sandbox that nobody finds again.
Result<void> end_sandbox_of(const proc::ClusterFolder& folder) {
  auto state = folder.state();
  if (!state || !state->alive()) state = proc::find_sandbox_process(folder);
  if (state) return proc::end_sandbox(*state);
  const std::string socket = folder.file(proc::control_socket_name);
  if (!proc::SandboxControl::connect(socket)) return {};
  return Error(ErrorCode::unavailable,
               str("state.json does not say which process it is, and no process writes ",
                   folder.file("sandbox.log"), ", but something answers at ", socket,
                   "\n  end it by hand: find its pid (pgrep -af \"hoplab sandbox-init\"), kill -9 "
                   "PID, then do this again"));
}

}  // namespace

Result<void> clear_cluster(const proc::ClusterFolder& folder) {
  HOP_CHECK(end_sandbox_of(folder));
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
