#include <iostream>

#include "cmd/cluster_remove.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/running_cluster.h"
#include "cmd/up_sandbox.h"
#include "runtime/base/text.h"
#include "runtime/plan/underlay.h"

namespace hoplab::cmd {

namespace {

Options make_options() {
  Options options("up", "[-f FILE]",
                  "Starts a cluster in a sandbox of its own. The computer outside is not touched. "
                  "A cluster that is up stays as it is.");
  options.value("file", 'f', "FILE", "cluster file, or a ready-made one: k8s, linux");
  options.flag("dry-run", 'n', "print the operations, their reasons and commands; do nothing");
  options.flag("verbose", 'v', "print the operations while they are done");
  options.example("hoplab up", "five hosts, a client and a pretend internet");
  options.example("hoplab up -f linux", "one bare host, for the first chapters");
  options.example("hoplab --cluster two up", "a second cluster beside the first");
  options.example("hoplab up --dry-run", "the commands you would have to type");
  return options;
}

int print_plan(const plan::ClusterConfig& config) {
  for (const auto& operation : plan::plan_underlay(config, {})) {
    std::cout << "# " << operation.reason << "\n" << to_command(operation) << "\n";
  }
  return exit_ok;
}

/// True when it is up already; then there is nothing to do.
Result<bool> is_up(const proc::ClusterFolder& folder, const plan::ClusterConfig& config,
                   bool file_given) {
  auto state = folder.state();
  if (!state || !state->alive() || !state->ready) return false;
  if (file_given && state->config != to_json(config)) {
    return Error(ErrorCode::conflict,
                 "cluster " + config.name +
                     " is up with another cluster file\n  end it first: hoplab --cluster " +
                     config.name + " down");
  }
  return true;
}

Result<void> start(const plan::ClusterConfig& config, bool file_given, bool verbose) {
  SteadyTime begin = SystemClock().steady();
  HOP_TRY(std::string executable, proc::own_executable());
  HOP_TRY(auto folder, proc::ClusterFolder::make(proc::runtime_folder(), config.name));
  HOP_TRY(bool up, is_up(folder, config, file_given));
  if (up) {
    std::cout << "cluster " << config.name << " is already up\n";
    return {};
  }
  // Something left over: a killed `up`, a killed sandbox-init.
  HOP_CHECK(clear_cluster(folder));
  UpSandbox sandbox(std::move(folder));
  SandboxSpec spec = make_sandbox_spec(config, executable);
  spec.verbose = verbose;
  HOP_CHECK(sandbox.build(std::move(spec)));
  HOP_CHECK(sandbox.keep());
  auto took = std::chrono::duration_cast<Millis>(SystemClock().steady() - begin);
  std::cout << "cluster " << config.name << " is up (" << config.hosts.size()
            << (config.hosts.size() == 1 ? " host, " : " hosts, ") << took.count() << " ms)\n";
  return {};
}

int run(const Invocation& invocation) {
  Options options = make_options();
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto config = choose_cluster_config(invocation, options.get("file"));
  if (!config) return fail(config.error());
  if (options.has("dry-run")) return print_plan(*config);
  auto started = start(*config, options.has("file"), options.has("verbose"));
  if (!started) return fail(std::move(started).error().context("up"));
  return exit_ok;
}

}  // namespace

extern const Command up_command;
const Command up_command{"up", "start a cluster", run};

}  // namespace hoplab::cmd
