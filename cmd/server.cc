// hoplab server: the control plane of a cluster in one process: store, API, controllers.

#include <malloc.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <thread>

#include "cmd/command.h"
#include "cmd/options.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/plan/cluster_config.h"
#include "runtime/reconcile/bootstrap.h"
#include "runtime/reconcile/controller_manager.h"
#include "store/api/manifest.h"
#include "store/registry.h"
#include "web/api_server.h"
#include "web/kubeconfig.h"
#include "web/token.h"

namespace hoplab::cmd {

namespace {

constexpr auto token_lifetime = std::chrono::hours(24 * 365);

struct ServerPki {
  std::string ca;
  web::KeyPair own;
  web::KeyPair kubelet_client;
  std::string token_public;
  std::string token_private;
};

Options declare() {
  Options options("server", "[--listen ADDRESS:PORT | --listen-fd N]...",
                  "Runs a control plane: the Kubernetes API over TLS, its store and the "
                  "controllers. Inside a lab `hoplab up` starts it by itself.");
  options.value("listen", 0, "ADDRESS:PORT", "listen here; may be repeated")
      .value("listen-fd", 0, "N", "use this listening socket that was passed in; may be repeated")
      .value("pki", 0, "DIR", "certificates and keys; made there when DIR has no ca.crt",
             "/run/hoplab/pki")
      .value("store", 0, "FILE", "the objects", "/run/hoplab/server/store.db")
      .value("cluster-config", 0, "FILE", "the cluster file (service range, node ports, look)",
             "/run/hoplab/cluster.json")
      .flag("verbose", 'v', "log more")
      .example("hoplab server --listen 127.0.0.1:6443 --pki /tmp/pki --store /tmp/store.db",
               "an API to play with; then: kubectl --kubeconfig /tmp/pki/admin.conf get ns");
  return options;
}

struct Listen {
  Ipv4 address;
  uint16_t port = 0;
};

Result<Listen> parse_listen(const std::string& text) {
  auto colon = text.rfind(':');
  Listen out;
  if (colon != std::string::npos) {
    const char* end = text.data() + text.size();
    auto [stopped, failed] = std::from_chars(text.data() + colon + 1, end, out.port);
    auto address = Ipv4::parse(std::string_view(text).substr(0, colon));
    if (failed == std::errc() && stopped == end && address) {
      out.address = *address;
      return out;
    }
  }
  return Error(ErrorCode::invalid, "--listen " + text + ": must look like 127.0.0.1:6443");
}

Result<std::optional<plan::ClusterConfig>> read_config(const Options& options) {
  const std::string path = options.get("cluster-config");
  if (!options.has("cluster-config") && access(path.c_str(), F_OK) != 0) {
    return std::optional<plan::ClusterConfig>();
  }
  HOP_TRY(std::string text, read_file(path));
  HOP_TRY(Json content, api::parse_yaml(text, path));
  HOP_TRY(plan::ClusterConfig config, plan::parse_cluster_config(content, path));
  return std::optional(std::move(config));
}

std::string service_address(const std::optional<plan::ClusterConfig>& config) {
  ServiceRange fallback;
  return to_string((config ? config->service_network : fallback.network).network() + 1);
}

/// For a server on its own: `up` makes the PKI before it starts us.
Result<void> make_pki(const std::string& directory,
                      const std::optional<plan::ClusterConfig>& config,
                      const std::vector<Listen>& listens, const std::string& server_url) {
  web::ClusterPkiOptions wanted;
  wanted.service_address = service_address(config);
  for (const Listen& listen : listens) wanted.server_addresses.push_back(to_string(listen.address));
  for (const auto& host : config ? config->hosts : std::vector<plan::HostConfig>()) {
    if (host.is_node()) wanted.nodes.push_back({host.name, to_string(host.address())});
  }
  HOP_TRY(auto files, web::make_cluster_pki(wanted));
  HOP_CHECK(web::write_cluster_pki(directory, files));
  HOP_TRY(auto admin, web::load_client_files(server_url, directory, "admin"));
  return replace_file(directory + "/admin.conf", web::kubeconfig_text("hoplab", admin), 0600);
}

Result<ServerPki> load_pki(const std::string& directory) {
  ServerPki pki;
  HOP_TRY(pki.ca, read_file(directory + "/ca.crt"));
  HOP_TRY(pki.own, web::load_key_pair(directory, "apiserver"));
  HOP_TRY(pki.kubelet_client, web::load_key_pair(directory, "apiserver-kubelet-client"));
  HOP_TRY(pki.token_public, read_file(directory + "/sa.pub"));
  HOP_TRY(pki.token_private, read_file(directory + "/sa.key"));
  return pki;
}

RegistryOptions registry_options(const std::optional<plan::ClusterConfig>& config,
                                 const ServerPki& pki, const Clock& clock) {
  RegistryOptions options;
  if (config) {
    options.services = {config->service_network, config->node_port_first, config->node_port_last};
  }
  options.tokens.ca_certificate = pki.ca;
  options.tokens.issue = [key = pki.token_private, &clock](const std::string& namespace_name,
                                                           const std::string& account,
                                                           const std::string& uid) {
    web::TokenClaims claims{namespace_name, account, uid, "", "", 0};
    const auto expires = (clock.wall() + token_lifetime).time_since_epoch();
    claims.expires = std::chrono::duration_cast<std::chrono::seconds>(expires).count();
    return web::sign_token(claims, key, clock.wall()).value_or("");
  };
  return options;
}

Result<web::ApiServerOptions> api_options(const std::optional<plan::ClusterConfig>& config,
                                          const ServerPki& pki) {
  web::ApiServerOptions options;
  if (config && config->look != "1.22") options.version.git_version = "v" + config->look + ".0";
  options.token_public_key_pem = pki.token_public;
  options.token_private_key_pem = pki.token_private;
  HOP_TRY(options.kubelet_tls, web::TlsContext::client(pki.ca, pki.kubelet_client));
  return options;
}

Result<void> adopt_listeners(web::HttpServer& server, const Options& options,
                             const std::vector<Listen>& listens, const ServerPki& pki,
                             const Log& log) {
  HOP_TRY(auto tls, web::TlsContext::server(pki.ca, pki.own));
  for (const std::string& number : options.all("listen-fd")) {
    int fd = -1;
    std::from_chars(number.data(), number.data() + number.size(), fd);
    if (!web::local_port(fd)) {
      return Error(ErrorCode::invalid, "--listen-fd " + number + ": no such listening socket");
    }
    HOP_CHECK(server.adopt(Fd(fd), tls));
  }
  for (const Listen& listen : listens) {
    HOP_TRY(Fd fd, web::listen_tcp(listen.address, listen.port));
    HOP_TRY(uint16_t port, web::local_port(fd.get()));
    log.info(str("listening on https://", to_string(listen.address), ":", port));
    HOP_CHECK(server.adopt(std::move(fd), tls));
  }
  return {};
}

Result<std::vector<Listen>> wanted_listens(const Options& options,
                                           const std::optional<plan::ClusterConfig>& config) {
  std::vector<Listen> listens;
  for (const std::string& text : options.all("listen")) {
    HOP_TRY(Listen listen, parse_listen(text));
    listens.push_back(listen);
  }
  const bool passed_in = options.has("listen-fd");
  if (listens.empty() && !passed_in && config && config->control_plane() != nullptr) {
    listens.push_back({config->control_plane()->address(), config->api_port});
  }
  if (listens.empty() && !passed_in) {
    return Error(ErrorCode::invalid, "nothing to listen on: give --listen or --listen-fd");
  }
  return listens;
}

/// Becomes readable at SIGTERM or SIGINT.
Result<Fd> stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Blocked before any thread starts: all inherit it, so that only the descriptor sees them.
  if (pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) {
    return Error(ErrorCode::system, "blocking signals");
  }
  Fd fd(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) return Error::from_errno(errno, "waiting for signals");
  return fd;
}

Result<void> prepare_pki(const Options& options, const std::optional<plan::ClusterConfig>& config,
                         const std::vector<Listen>& listens) {
  const std::string directory = options.get("pki");
  if (access((directory + "/ca.crt").c_str(), F_OK) == 0) return {};
  std::string url = "https://127.0.0.1:6443";
  if (!listens.empty()) {
    url = str("https://", to_string(listens[0].address), ":", listens[0].port);
  }
  return make_pki(directory, config, listens, url);
}

std::string folder_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

Result<void> serve(const Options& options) {
  mallopt(M_ARENA_MAX, 2);  // Else every few connections' threads get an arena of their own.
  const Log log("server", 2, options.has("verbose") ? LogLevel::debug : LogLevel::info);
  const SystemClock clock;
  HOP_TRY(Fd signals, stop_signals());
  HOP_TRY(auto config, read_config(options));
  HOP_TRY(auto listens, wanted_listens(options, config));
  HOP_CHECK(prepare_pki(options, config, listens));
  HOP_TRY(ServerPki pki, load_pki(options.get("pki")));
  mkdir(folder_of(options.get("store")).c_str(), 0700);
  HOP_TRY(auto store, ObjectStore::open(options.get("store"), {}));
  HOP_TRY(auto registry, Registry::open(*store, clock, registry_options(config, pki, clock)));
  HOP_CHECK(reconcile::bootstrap_cluster(*registry, config ? &*config : nullptr));

  web::ApiBackend backend;
  backend.source = registry.get();
  backend.clock = &clock;
  backend.bind = [&registry](const std::string& ns, const std::string& pod,
                             const std::string& node) { return registry->bind(ns, pod, node); };
  backend.finalize_namespace = [&registry](const std::string& name) {
    return registry->finalize_namespace(name);
  };
  backend.snapshot = [&registry](const api::Kind& kind, const Selection& selection) {
    return registry->snapshot(kind, selection);
  };
  HOP_TRY(auto wanted, api_options(config, pki));
  web::ApiServer api(std::move(backend), std::move(wanted), log);
  HOP_TRY(auto server, web::HttpServer::open(api, {}, log));
  HOP_CHECK(adopt_listeners(*server, options, listens, pki, log));
  auto stopper = start_thread("stopper", end_process, [&] {
    signalfd_siginfo info;
    while (read(signals.get(), &info, sizeof info) < 0 && errno == EINTR) {
    }
    server->stop();
    store->close_watches();
  });
  reconcile::ControllerOptions manage;
  if (config) manage.node_grace = std::chrono::seconds(config->node_lease_seconds);
  auto controllers = reconcile::ControllerManager::standard(*registry, clock, log, manage);
  controllers->start();
  api.set_ready();
  server->run();
  // Ended without a signal, it sends itself one, for the waiting thread.
  kill(getpid(), SIGTERM);
  stopper.join();
  controllers->stop();
  log.info("stopped");
  return {};
}

int run_server(const Invocation& invocation) {
  Options options = declare();
  if (auto exit = options.parse(invocation.args)) return *exit;
  auto served = serve(options);
  return served ? exit_ok : fail(served.error());
}

}  // namespace

extern const Command server_command;
const Command server_command{"server", "run a control plane: API, store, controllers", run_server};

}  // namespace hoplab::cmd
