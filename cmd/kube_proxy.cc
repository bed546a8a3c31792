// `hoplab kube-proxy`: service NAT of one node. Runs as a pod of the DaemonSet kube-proxy.

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/service_health.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/reconcile/proxy.h"
#include "web/client.h"
#include "web/http_server.h"

namespace hoplab::cmd {

namespace {

constexpr uint16_t healthz_port = 10256;

Options declare() {
  Options options("kube-proxy", "[--server URL] [--node NAME]",
                  "Keeps the iptables rules of this node in step with the cluster's Services and "
                  "EndpointSlices. Acts on the network namespace it runs in; in a lab it runs as a "
                  "pod on every node.");
  options.value("server", 0, "URL", "the API server", "https://192.168.10.10:6443")
      .value("pki", 0, "DIR", "folder with ca.crt and the client certificate", "/run/hoplab/pki")
      .value("certificate", 0, "NAME", "NAME.crt and NAME.key in that folder", "kube-proxy")
      .value("kubeconfig", 0, "FILE", "use this kubeconfig instead of --server and --pki")
      .value("node", 0, "NAME", "this node's name; else $NODE_NAME, else the hostname")
      .value("cluster-cidr", 0, "PREFIX",
             "the pod network: what comes from elsewhere is masqueraded", "172.16.0.0/16")
      .flag("masquerade-all", 0, "masquerade what pods send to cluster IPs, too")
      .value("resync", 0, "SECONDS", "how often the kernel is compared with what it should hold",
             "30")
      .value("healthz-port", 0, "PORT", "answer GET /healthz here; 0 = do not",
             std::to_string(healthz_port))
      .flag("verbose", 'v', "log more")
      .example("hoplab kube-proxy --kubeconfig ~/.kube/config --node k8s-w1",
               "service rules of k8s-w1, in its network namespace");
  return options;
}

std::string node_name(const Options& options) {
  if (options.has("node")) return options.get("node");
  if (const char* given = std::getenv("NODE_NAME"); given != nullptr && *given != '\0')
    return given;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

Result<long> number_option(const Options& options, const std::string& name, long least, long most) {
  const std::string text = options.get(name);
  long value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return Error(ErrorCode::invalid,
                 str("--", name, " ", text, ": must be a number from ", least, " to ", most));
  }
  return value;
}

struct Wish {
  reconcile::ProxyOptions proxy;
  long healthz_port = 0;
};

Result<Wish> read_wish(const Options& options) {
  Wish wish;
  reconcile::ProxyOptions& out = wish.proxy;
  out.config.node = node_name(options);
  HOP_TRY(wish.healthz_port, number_option(options, "healthz-port", 0, 65535));
  HOP_TRY(out.config.cluster_cidr,
          Prefix::parse(options.get("cluster-cidr")).context("--cluster-cidr"));
  out.config.masquerade_all = options.has("masquerade-all");
  HOP_TRY(const long seconds, number_option(options, "resync", 1, 86400));
  out.resync = std::chrono::seconds(seconds);
  return wish;
}

Result<web::ClientConfig> client_config(const Options& options) {
  if (options.has("kubeconfig")) return web::load_kubeconfig(options.get("kubeconfig"));
  return web::load_client_files(options.get("server"), options.get("pki"),
                                options.get("certificate"));
}

/// GET /healthz as kube-proxy answers it: 200 while the kernel holds the rules, else 503.
class Healthz final : public web::HttpHandler {
 public:
  explicit Healthz(const reconcile::Proxy& proxy) : proxy_(proxy) {}

  web::HttpResponse handle(const web::HttpRequest& request) override {
    web::HttpResponse response;
    response.status = 404;
    if (request.path != "/healthz" && request.path != "/livez") return response;
    const bool healthy = proxy_.healthy();
    response.status = healthy ? 200 : 503;
    response.headers.emplace("Content-Type", "application/json");
    response.headers.emplace("X-Content-Type-Options", "nosniff");
    response.body =
        dump_json({{"healthy", healthy}, {"currentTime", to_rfc3339(SystemClock().wall())}});
    return response;
  }

 private:
  const reconcile::Proxy& proxy_;
};

/// A proxy without its health page is better than none: a taken port is only a warning.
std::unique_ptr<web::HttpServer> health_server(Healthz& handler, long port, const Log& log) {
  if (port == 0) return nullptr;
  auto listener = web::listen_tcp(Ipv4(), static_cast<uint16_t>(port));
  if (!listener) {
    log.warning("no healthz: " + listener.error().message());
    return nullptr;
  }
  web::HttpServerOptions limits;
  limits.max_connections = 16;
  auto server = web::HttpServer::open(handler, limits, log);
  if (!server || !(*server)->adopt(*std::move(listener), std::nullopt)) return nullptr;
  return *std::move(server);
}

Result<void> serve(const Options& options, const Wish& wish) {
  mallopt(M_ARENA_MAX, 2);
  ::prctl(PR_SET_NAME, "kube-proxy");  // What `ss -ltnp` shows beside the node ports.
  const Log log("kube-proxy", 2, options.has("verbose") ? LogLevel::debug : LogLevel::info);
  HOP_TRY(const web::ClientConfig config, client_config(options));
  HOP_TRY(auto client, web::Client::open(config));
  HOP_TRY(auto kernel, reconcile::make_proxy_kernel());

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Blocked before any thread starts, so that only sigwait() sees them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::atomic<const reconcile::Proxy*> rules = nullptr;
  ServiceHealthServers service_health(
      [&rules] { return rules.load() != nullptr && rules.load()->healthy(); }, log);
  reconcile::ProxyOptions proxy_options = wish.proxy;
  proxy_options.service_health = [&service_health](const auto& all) { service_health.set(all); };
  reconcile::Proxy proxy(*client, *kernel, proxy_options, log);
  rules = &proxy;
  Healthz healthz(proxy);
  auto health = health_server(healthz, wish.healthz_port, log);
  auto health_thread = start_thread(
      "healthz", end_process,
      [&] {
        if (health) health->run();
      },
      log);
  auto worker = start_thread(
      "proxy", end_process, [&] { proxy.run(); }, log);
  log.info(
      str("node ", wish.proxy.config.node, ", pods ", to_string(wish.proxy.config.cluster_cidr)));
  int signal = 0;
  sigwait(&signals, &signal);
  proxy.stop();
  if (health) health->stop();
  worker.join();
  health_thread.join();
  service_health.set({});
  return {};
}

int run_kube_proxy(const Invocation& invocation) {
  Options options = declare();
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto wish = read_wish(options);
  if (!wish) return options.usage_error(wish.error().message());
  auto served = serve(options, *wish);
  return served ? exit_ok : fail(served.error());
}

}  // namespace

extern const Command kube_proxy_command;
const Command kube_proxy_command{"kube-proxy", "keep this node's service rules", run_kube_proxy,
                                 true};

}  // namespace hoplab::cmd
