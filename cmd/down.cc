#include <iostream>

#include "cmd/cluster_remove.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/text.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/proc/sandbox_find.h"

namespace hoplab::cmd {

namespace {

struct Place {
  std::string runtime;
  std::string name;
};

std::vector<Place> all_clusters(const std::vector<std::string>& runtimes) {
  std::vector<Place> out;
  for (const auto& runtime : runtimes) {
    for (const auto& name : proc::cluster_names(runtime)) out.push_back({runtime, name});
  }
  return out;
}

/// Whoever ends a cluster that is not there may have meant another one, or another place.
void tell_others(const std::vector<std::string>& runtimes) {
  std::cout << "  looked in " << join(runtimes, ", ") << "\n";
  for (const auto& [runtime, other] : all_clusters(runtimes)) {
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
  const std::vector<std::string> runtimes = proc::runtime_folders();
  const auto place = proc::runtime_with(runtimes, invocation.cluster);
  std::vector<Place> places{{place.value_or(runtimes.front()), invocation.cluster}};
  if (options.has("all")) places = all_clusters(runtimes);
  int code = exit_ok;
  for (const auto& [runtime, name] : places) {
    if (auto good = plan::check_cluster_name(name); !good) return fail(good.error());
    auto removed = remove_cluster(runtime, name);
    if (!removed) {
      code = fail(removed.error());
    } else {
      std::cout << "cluster " << name << (*removed ? " is down\n" : " was not up\n");
      if (!*removed) tell_others(runtimes);
    }
  }
  return code;
}

}  // namespace

extern const Command down_command;
const Command down_command{"down", "end a cluster and remove every trace of it", run_down};

}  // namespace hoplab::cmd
