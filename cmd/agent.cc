// `hoplab agent`: the kubelet's place on one node. node-init starts it and starts it again.

#include "runtime/agent/agent.h"

#include <unistd.h>

#include <csignal>
#include <thread>

#include "cmd/agent_streams.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/plan/cluster_config.h"
#include "store/api/kind.h"
#include "web/client.h"
#include "web/http_server.h"

namespace hoplab::cmd {

namespace {

constexpr uint16_t kubelet_port = 10250;
constexpr uint32_t ethernet_mtu = 1500;

struct AgentWish {
  std::string node;
  std::string server;
  std::string pki;
  std::string cluster_file;
  std::string cni_folder;
  std::string image_folder;
};

uint32_t pod_mtu(const std::string& encapsulation) {
  if (encapsulation.starts_with("ipip")) return ethernet_mtu - 20;
  if (encapsulation == "vxlan") return ethernet_mtu - 50;
  if (encapsulation == "wireguard") return ethernet_mtu - 60;
  return ethernet_mtu;
}

Result<agent::AgentConfig> make_config(const AgentWish& wish, const plan::ClusterConfig& cluster) {
  const plan::HostConfig* host = cluster.find_host(wish.node);
  if (host == nullptr || !host->is_node()) {
    return Error(ErrorCode::not_found,
                 str("\"", wish.node, "\" is no Kubernetes node of cluster ", cluster.name));
  }
  agent::AgentConfig config;
  config.node.facts = {host->name, host->address()};
  config.node.cluster = cluster.name;
  config.node.first_block = host->first_block;
  if (!host->interfaces.empty()) {
    config.node.subnet_length = host->interfaces.front().address.length();
  }
  config.node.control_plane = host->role == plan::HostRole::control_plane;
  config.node.kubelet_version = cluster.look == "1.22" ? "v1.22.6" : "v" + cluster.look + ".0";
  config.node.cni_folder = wish.cni_folder;
  config.image_folder = wish.image_folder;
  config.node.lease = std::chrono::seconds(cluster.node_lease_seconds);
  config.dns.server = to_string(cluster.service_network.network() + 10);
  config.mtu = pod_mtu(cluster.encapsulation);
  return config;
}

Result<int> http_probe(const agent::HttpProbeRequest& probe) {
  web::HttpTarget target;
  if (probe.tls) {
    HOP_TRY(target.tls, web::TlsContext::client_of_anyone());
  }
  target.endpoint = {probe.host, probe.port};
  target.connect_timeout = probe.timeout;
  target.response_timeout = probe.timeout;
  web::HttpRequest request;
  request.target = probe.path.starts_with('/') ? probe.path : "/" + probe.path;
  request.headers.emplace("User-Agent", "kube-probe/1.22");
  request.headers.emplace("Connection", "close");
  for (const auto& [name, value] : probe.headers) request.headers.emplace(name, value);
  HOP_TRY(auto response, web::HttpClient(target).send(request, 1U << 20U));
  return response.status;
}

/// A token bound to the pod, which ends with it. It holds for a year, as the API server of 1.22
/// extends those that pods get; it is not renewed.
Result<std::string> bound_token(web::Client& client, const agent::PodRecord& pod) {
  constexpr int64_t one_year = int64_t{365} * 86'400;
  const std::string account =
      string_or(member(pod.object, "spec"), "serviceAccountName", "default");
  const Json wish = {
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec",
       {{"expirationSeconds", one_year},
        {"boundObjectRef",
         {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod.name}, {"uid", pod.uid}}}}}};
  HOP_TRY(const Json made, client
                               .request("POST",
                                        web::Client::path_of(api::kind_of("ServiceAccount"),
                                                             pod.namespace_name, account) +
                                            "/token",
                                        wish)
                               .context(str("asking for a token of service account ",
                                            pod.namespace_name, "/", account)));
  return string_or(member(made, "status"), "token");
}

Result<std::unique_ptr<web::HttpServer>> serve_streams(web::StreamServer& handler,
                                                       const web::ClientConfig& identity,
                                                       Ipv4 address, const Log& log) {
  HOP_TRY(auto tls, web::TlsContext::server(identity.ca_pem, identity.own));
  HOP_TRY(auto server, web::HttpServer::open(handler, {}, log));
  HOP_TRY(Fd listener, web::listen_tcp(address, kubelet_port));
  HOP_CHECK(server->adopt(std::move(listener), tls));
  return server;
}

/// Blocked in every thread; one waits for them.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// Stops the agent and its server at SIGTERM or SIGINT, and at its own end.
class StopAtSignal {
 public:
  StopAtSignal(const sigset_t& signals, agent::Agent& agent, web::HttpServer& server)
      : waiting_(start_thread("stopper", end_process, [&signals, &agent, &server] {
          int signal = 0;
          sigwait(&signals, &signal);
          agent.stop();
          server.stop();
        })) {}
  StopAtSignal(const StopAtSignal&) = delete;
  StopAtSignal& operator=(const StopAtSignal&) = delete;
  ~StopAtSignal() {
    ::kill(::getpid(), SIGTERM);  // For the waiting thread, when no one sent it one.
    waiting_.join();
  }

 private:
  std::jthread waiting_;
};

Result<void> work(const AgentWish& wish) {
  Log log("agent");
  HOP_TRY(std::string text, read_file(wish.cluster_file));
  HOP_TRY(Json json, parse_json(text));
  HOP_TRY(auto cluster, plan::parse_cluster_config(json, wish.cluster_file));
  HOP_TRY(auto config, make_config(wish, cluster));
  std::string url = wish.server;
  if (url.empty()) {
    const plan::HostConfig* master = cluster.control_plane();
    if (master == nullptr) return Error(ErrorCode::invalid, "the cluster has no control plane");
    url = str("https://", to_string(master->address()), ":", cluster.api_port);
  }
  HOP_TRY(auto identity, web::load_client_files(url, wish.pki, "nodes/" + config.node.facts.name));
  HOP_TRY(auto source, web::Client::open(identity));
  HOP_TRY(auto containers, proc::ContainerClient::connect());

  const sigset_t signals = block_stop_signals();
  std::signal(SIGPIPE, SIG_IGN);
  Source& api = *source;
  agent::Agent agent(
      config, api, *containers,
      {http_probe,
       [&client = *source](const agent::PodRecord& pod) { return bound_token(client, pod); }},
      log);
  AgentStreams backend(agent, *containers);
  web::StreamServer handler(backend, log.named("streams"));
  HOP_TRY(auto server,
          serve_streams(handler, identity, config.node.facts.address, log.named("streams")));
  auto serving = start_thread(
      "streams", end_process, [&server] { server->run(); }, log);
  StopAtSignal stop(signals, agent, *server);
  return agent.run();
}

int run_agent(const Invocation& invocation) {
  Options options("agent", "--node NAME [--server URL]",
                  "Runs the pods of one Kubernetes node: sandboxes, addresses, cables, containers, "
                  "probes, status.\nStarted by node-init inside a lab.");
  options.value("node", 0, "NAME", "the node's name in the cluster file (default: the hostname)")
      .value("server", 0, "URL", "the API server (default: the control plane's address)")
      .value("pki", 0, "DIR", "certificates", "/run/hoplab/pki")
      .value("cluster-config", 0, "FILE", "the resolved cluster file", "/run/hoplab/cluster.json")
      .value("images", 0, "DIR", "images that the user has loaded")
      .value("cni", 0, "DIR", "where the network plugin's configuration appears", "/etc/cni/net.d");
  options.example("hoplab agent --node k8s-w1", "what node-init runs");
  if (auto exit = options.parse(invocation.args)) return *exit;
  AgentWish wish{options.get("node"),           options.get("server"), options.get("pki"),
                 options.get("cluster-config"), options.get("cni"),    options.get("images")};
  if (wish.node.empty()) {
    char name[256] = "";
    ::gethostname(name, sizeof name - 1);
    wish.node = name;
  }
  auto done = work(wish);
  return done ? exit_ok : fail(done.error());
}

}  // namespace

extern const Command agent_command;
const Command agent_command{"agent", "run one node's pods (started by node-init)", run_agent, true};

}  // namespace hoplab::cmd
