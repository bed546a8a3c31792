#include "cmd/service_health.h"

#include <thread>
#include <utility>

#include "runtime/base/locked.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "web/http_server.h"

namespace hoplab::cmd {

class ServiceHealthServers::Server final : public web::HttpHandler {
 public:
  Server(plan::ServiceHealth health, std::function<bool()> healthy)
      : healthy_(std::move(healthy)), health_(std::move(health)) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override {
    if (server_) server_->stop();
  }

  Result<void> start(uint16_t port, const Log& log) {
    HOP_TRY(Fd listener, web::listen_tcp(Ipv4(), port));
    web::HttpServerOptions limits;
    limits.max_connections = 16;
    HOP_TRY(server_, web::HttpServer::open(*this, limits, log));
    HOP_CHECK(server_->adopt(std::move(listener), std::nullopt));
    thread_ = start_thread(
        "healthcheck", end_thread, [this] { server_->run(); }, log);
    return {};
  }

  void set(const plan::ServiceHealth& health) { *health_.lock() = health; }

  web::HttpResponse handle(const web::HttpRequest&) override {
    const plan::ServiceHealth health = *health_.lock();
    const bool healthy = healthy_();
    web::HttpResponse response;
    response.status = healthy && health.local_endpoints > 0 ? 200 : 503;
    response.headers.emplace("X-Content-Type-Options", "nosniff");
    response.headers.emplace("X-Load-Balancing-Endpoint-Weight",
                             std::to_string(health.local_endpoints));
    response.body = dump_json_pretty(
        {{"service", {{"namespace", health.namespace_name}, {"name", health.name}}},
         {"localEndpoints", health.local_endpoints},
         {"serviceProxyHealthy", healthy}});
    return response;
  }

 private:
  std::function<bool()> healthy_;
  Locked<plan::ServiceHealth> health_;
  std::unique_ptr<web::HttpServer> server_;
  std::jthread thread_;  ///< Last: ends before what it serves goes.
};

ServiceHealthServers::ServiceHealthServers(std::function<bool()> healthy, Log log)
    : healthy_(std::move(healthy)), log_(std::move(log)) {}

ServiceHealthServers::~ServiceHealthServers() = default;

void ServiceHealthServers::set(const std::map<uint16_t, plan::ServiceHealth>& wanted) {
  std::erase_if(servers_, [&](const auto& entry) { return !wanted.contains(entry.first); });
  std::erase_if(taken_, [&](uint16_t port) { return !wanted.contains(port); });
  for (const auto& [port, health] : wanted) {
    if (auto found = servers_.find(port); found != servers_.end()) {
      found->second->set(health);
      continue;
    }
    auto server = std::make_unique<Server>(health, healthy_);
    auto started = server->start(port, log_);
    if (started) {
      taken_.erase(port);
      servers_.emplace(port, std::move(server));
    } else if (taken_.insert(port).second) {
      log_.warning(str("no health check for service ", health.namespace_name, "/", health.name,
                       " at port ", port, ": ", started.error().message()));
    }
  }
}

}  // namespace hoplab::cmd
