#include "cmd/running_cluster.h"

#include <unistd.h>

#include <cstdlib>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/proc/sandbox_find.h"
#include "store/api/manifest.h"

namespace hoplab::cmd {

namespace {

constexpr size_t largest_cluster_file = 1U << 20U;

Result<RunningCluster> open_running(const std::string& runtime, const std::string& name) {
  RunningCluster cluster;
  cluster.folder = runtime + "/" + name;
  HOP_TRY(cluster.state, proc::read_sandbox_state(runtime, name));
  if (!cluster.state.alive()) {
    return Error(ErrorCode::not_found, "cluster " + name +
                                           " is not up any more (its sandbox-init "
                                           "ended)\n  clean up: hoplab --cluster " +
                                           name + " down");
  }
  HOP_TRY(cluster.config,
          plan::parse_cluster_config(cluster.state.config, cluster.folder + "/state.json"));
  return cluster;
}

std::vector<std::string> names_up(const std::vector<std::string>& runtimes) {
  std::vector<std::string> up;
  for (const auto& runtime : runtimes) {
    for (const auto& name : proc::cluster_names(runtime)) {
      auto state = proc::read_sandbox_state(runtime, name);
      if (state && state->alive()) up.push_back(name);
    }
  }
  return up;
}

}  // namespace

Result<void> check_outside() {
  const char* host = std::getenv("HOPLAB_HOST");
  if (host == nullptr || ::access("/run/hoplab/bin/hoplab", X_OK) != 0) return {};
  std::string where = *host == '\0' ? "the outside view of a cluster" : "host " + std::string(host);
  return Error(ErrorCode::unsupported, "you are inside " + where + "\n  leave it first: exit");
}

Result<proc::SandboxControl> RunningCluster::control() const {
  return proc::SandboxControl::connect(folder + "/" + proc::control_socket_name);
}

Result<std::string> RunningCluster::kubeconfig_of_api() const {
  if (config.control_plane() != nullptr) return kubeconfig();
  const std::string other = state.name == "k8s" ? "two" : "k8s";
  return Error(ErrorCode::not_found,
               str("cluster ", state.name, " has no API server: none of its hosts is a control ",
                   "plane\n  start one that has: hoplab --cluster ", other, " up -f k8s"));
}

std::string command_for(const Invocation& invocation, std::string_view rest) {
  return str("hoplab ", invocation.cluster_chosen ? str("--cluster ", invocation.cluster, " ") : "",
             rest);
}

Result<RunningCluster> find_running_cluster(const Invocation& invocation) {
  HOP_CHECK(check_outside());
  HOP_CHECK(plan::check_cluster_name(invocation.cluster));
  const std::vector<std::string> runtimes = proc::runtime_folders();
  const auto open = [&runtimes](const std::string& name) {
    return open_running(proc::runtime_with(runtimes, name).value_or(runtimes.front()), name);
  };
  auto cluster = open(invocation.cluster);
  if (cluster || cluster.error().code() != ErrorCode::not_found) return cluster;
  auto up = names_up(runtimes);
  if (!invocation.cluster_chosen && up.size() == 1) return open(up.front());
  std::string hint =
      up.empty()
          ? str("\n  start it: hoplab",
                invocation.cluster_chosen ? " --cluster " + invocation.cluster : std::string(),
                " up")
          : "\n  up are: " + join(up, ", ") + "; choose one: hoplab --cluster NAME …";
  return Error(ErrorCode::not_found,
               str(cluster.error().message(), hint, "\n  looked in ", join(runtimes, ", ")));
}

Result<plan::ClusterConfig> choose_cluster_config(const Invocation& invocation,
                                                  const std::string& file) {
  if (invocation.cluster_chosen) HOP_CHECK(plan::check_cluster_name(invocation.cluster));
  plan::ClusterConfig config;
  if (auto ready_made = plan::ready_made_cluster(file.empty() ? invocation.cluster : file)) {
    config = *std::move(ready_made);
  } else if (file.empty()) {
    config = *plan::ready_made_cluster("k8s");
  } else {
    auto text = read_file(file, largest_cluster_file);
    if (!text) {
      return std::move(text).error().context(
          "cluster file (ready-made are: " + join(plan::ready_made_clusters(), ", ") + ")");
    }
    HOP_TRY(Json content, api::parse_yaml(*text, file));
    HOP_TRY(config, plan::parse_cluster_config(content, file));
  }
  if (invocation.cluster_chosen) config.name = invocation.cluster;
  return config;
}

}  // namespace hoplab::cmd
