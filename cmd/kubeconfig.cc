#include <unistd.h>

#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/fd.h"

namespace hoplab::cmd {

namespace {

int run_kubeconfig(const Invocation& invocation) {
  Options options("kubeconfig", "", "Prints where the cluster's kubeconfig is.");
  options.flag("print", 'p', "print its content instead of its path");
  options.example("export KUBECONFIG=$(hoplab kubeconfig)", "lets kubectl talk to the cluster");
  options.example("hoplab kubeconfig --print", "shows the file, with its keys");
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto cluster = find_running_cluster(invocation);
  if (!cluster) return fail(cluster.error());
  if (::access(cluster->kubeconfig().c_str(), R_OK) != 0) {
    return fail(Error(ErrorCode::not_found,
                      "cluster " + cluster->state.name + " has no Kubernetes, so no kubeconfig"));
  }
  if (!options.has("print")) {
    std::cout << cluster->kubeconfig() << "\n";
    return exit_ok;
  }
  auto text = read_file(cluster->kubeconfig());
  if (!text) return fail(text.error());
  std::cout << *text;
  return exit_ok;
}

}  // namespace

extern const Command kubeconfig_command;
const Command kubeconfig_command{"kubeconfig", "print the path of the cluster's kubeconfig",
                                 run_kubeconfig};

}  // namespace hoplab::cmd
