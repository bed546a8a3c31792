#include "cmd/image_web.h"

#include <csignal>
#include <ctime>

namespace hoplab::cmd {

namespace {

// A signal handler has no other way to its server.
web::HttpServer* serving = nullptr;
volatile std::sig_atomic_t received = 0;

void on_signal(int signal) {
  received = signal;
  if (serving != nullptr) serving->stop();
}

}  // namespace

std::string format_time(WallTime time, const char* pattern) {
  time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, pattern, &parts));
}

std::string http_date(WallTime time) {
  return format_time(time, "%a, %d %b %Y %H:%M:%S GMT");
}

Result<int> serve_until_signal(web::HttpHandler& handler, const Fd& listener) {
  web::HttpServerOptions options;
  options.announce_keep_alive = false;
  options.grace = Millis(1000);
  HOP_TRY(auto server, web::HttpServer::open(handler, options, Log("http", 2, LogLevel::error)));
  HOP_TRY(Fd own, listener.duplicate());
  HOP_CHECK(server->adopt(std::move(own), std::nullopt));
  serving = server.get();
  for (int signal : {SIGTERM, SIGINT, SIGQUIT}) ::signal(signal, on_signal);
  ::signal(SIGPIPE, SIG_IGN);
  if (received == 0) server->run();
  serving = nullptr;
  return static_cast<int>(received);
}

}  // namespace hoplab::cmd
