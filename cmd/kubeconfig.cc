#include <iostream>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

int run_kubeconfig(const Invocation& invocation) {
  Options options("kubeconfig", "", "Prints where the cluster's kubeconfig is.");
  options.flag("print", 'p', "print its content instead of its path");
  options.example(str("export KUBECONFIG=$(", command_for(invocation, "kubeconfig"), ")"),
                  "lets kubectl talk to the cluster");
  options.example(command_for(invocation, "kubeconfig --print"), "shows the file, with its keys");
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto cluster = find_running_cluster(invocation);
  if (!cluster) return fail(cluster.error());
  if (auto has_api = cluster->kubeconfig_of_api(); !has_api) return fail(has_api.error());
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
