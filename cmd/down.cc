#include <iostream>

#include "cmd/cluster_remove.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/proc/sandbox_state.h"

namespace hoplab::cmd {

namespace {

/// Whoever ends a cluster that is not there may have meant another one.
void tell_others(const std::string& runtime) {
  for (const auto& other : proc::cluster_names(runtime)) {
    std::cout << "  there is " << other << ": hoplab --cluster " << other << " down\n";
  }
}

int run_down(const Invocation& invocation) {
  Options options("down", "",
                  "Ends a cluster and removes every trace of it: processes, namespaces, mounts, "
                  "listeners, files. Fine when it is not up.");
  options.flag("all", 'a', "every cluster of yours");
  options.example("hoplab down", "ends the default cluster");
  options.example("hoplab --cluster linux down", "ends the cluster named linux");
  if (auto exit = options.parse(invocation.args)) return *exit;
  if (auto outside = check_outside(); !outside) return fail(outside.error());
  std::string runtime = proc::runtime_folder();
  std::vector<std::string> names{invocation.cluster};
  if (options.has("all")) names = proc::cluster_names(runtime);
  int code = exit_ok;
  for (const auto& name : names) {
    if (auto good = plan::check_cluster_name(name); !good) return fail(good.error());
    auto removed = remove_cluster(runtime, name);
    if (!removed) {
      code = fail(removed.error());
    } else {
      std::cout << "cluster " << name << (*removed ? " is down\n" : " was not up\n");
      if (!*removed) tell_others(runtime);
    }
  }
  return code;
}

}  // namespace

extern const Command down_command;
const Command down_command{"down", "end a cluster and remove every trace of it", run_down};

}  // namespace hoplab::cmd
