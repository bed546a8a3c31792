// hoplab calico-node: the pod network of one node, in the place of Calico's node agent.

#include "runtime/reconcile/calico_node.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/text.h"
#include "runtime/plan/cluster_config.h"
#include "web/client.h"

namespace hoplab::cmd {

namespace {

struct Wish {
  std::string node;
  std::string server;
  std::string pki;
  std::string cluster_file;
  std::string cni_folder;
};

Options declare() {
  Options options("calico-node", "[--node NAME] [--server URL]",
                  "Keeps the pod network of one node: tunl0's address, routes to every node's "
                  "blocks, NAT for packets that leave the pod network. Runs as a pod of DaemonSet "
                  "kube-system/calico-node.");
  options.value("node", 0, "NAME", "the node's name (default: $NODENAME, else the hostname)")
      .value("server", 0, "URL", "the API server (default: the control plane's address)")
      .value("pki", 0, "DIR", "certificates", "/run/hoplab/pki")
      .value("cluster-config", 0, "FILE", "the resolved cluster file", "/run/hoplab/cluster.json")
      .value("cni", 0, "DIR", "where 10-calico.conflist is written", "/etc/cni/net.d")
      .example("hoplab calico-node --node k8s-w1", "what the pod runs");
  return options;
}

std::string default_node() {
  if (const char* name = getenv("NODENAME"); name != nullptr && *name != '\0') return name;
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

Result<std::string> server_url(const Wish& wish) {
  if (!wish.server.empty()) return wish.server;
  HOP_TRY(const std::string text, read_file(wish.cluster_file));
  HOP_TRY(const Json json, parse_json(text));
  HOP_TRY(const plan::ClusterConfig cluster, plan::parse_cluster_config(json, wish.cluster_file));
  const plan::HostConfig* master = cluster.control_plane();
  if (master == nullptr) return Error(ErrorCode::invalid, "the cluster has no control plane");
  return str("https://", to_string(master->address()), ":", cluster.api_port);
}

/// Blocked before any thread starts: all inherit it, so that only the descriptor sees them.
Result<Fd> stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Fd fd(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) return Error::from_errno(errno, "listen for signals");
  return fd;
}

Result<void> work(const Wish& wish) {
  const Log log("calico-node");
  const SystemClock clock;
  HOP_TRY(const Fd stop, stop_signals());
  HOP_TRY(const std::string url, server_url(wish));
  HOP_TRY(const auto identity, web::load_client_files(url, wish.pki, "calico-node"));
  HOP_TRY(const auto source, web::Client::open(identity));
  reconcile::CalicoNodeConfig config;
  config.node = wish.node;
  if (mkdir(wish.cni_folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return Error::from_errno(errno, str("make ", wish.cni_folder));
  }
  config.conflist = wish.cni_folder + "/10-calico.conflist";
  reconcile::CalicoNode node(*source, clock, config, log);
  return node.run(stop.get());
}

int run_calico_node(const Invocation& invocation) {
  Options options = declare();
  if (auto exit = options.parse(invocation.args)) return *exit;
  Wish wish{options.get("node"), options.get("server"), options.get("pki"),
            options.get("cluster-config"), options.get("cni")};
  if (wish.node.empty()) wish.node = default_node();
  auto done = work(wish);
  return done ? exit_ok : fail(done.error());
}

}  // namespace

extern const Command calico_node_command;
const Command calico_node_command{"calico-node", "keep a node's pod network (runs as a pod)",
                                  run_calico_node, true};

}  // namespace hoplab::cmd
