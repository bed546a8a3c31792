#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/ip.h"
#include "runtime/base/log.h"
#include "web/connection.h"
#include "web/http.h"

namespace hoplab::web {

/// What a server does with requests. Called from many threads at once, one per connection.
class HttpHandler {
 public:
  HttpHandler() = default;
  HttpHandler(const HttpHandler&) = delete;
  HttpHandler& operator=(const HttpHandler&) = delete;
  virtual ~HttpHandler() = default;

  /// Sees a request before its body is read, may complete `request.peer` (a token) and may refuse
  /// by answering at once.
  virtual std::optional<HttpResponse> admit(HttpRequest& request);
  virtual HttpResponse handle(const HttpRequest& request) = 0;
  /// For a request that asks to change the protocol. Answering nullopt means: the session has run
  /// on `connection` and is over. The default refuses every upgrade.
  virtual std::optional<HttpResponse> upgrade(const HttpRequest& request, Connection& connection);
  /// The form of an answer that the server gives itself (400, 413, 431, 500).
  virtual HttpResponse refuse(const Error& error, int status);
};

struct HttpServerOptions {
  size_t max_connections = 2000;
  size_t max_head = size_t{64} << 10U;
  size_t max_body = size_t{3} << 20U;  ///< As Kubernetes: 3 MiB.
  Millis handshake_timeout{10'000};
  Millis head_timeout{10'000};   ///< For the whole head, so that a slow client cannot stretch it.
  Millis body_timeout{60'000};   ///< For the whole body.
  Millis idle_timeout{120'000};  ///< Between requests.
  Millis grace{3'000};           ///< After stop(), before connections are cut.
  bool announce_keep_alive = true;  ///< The header Keep-Alive, which few servers send.
};

/// A listening TCP socket, close-on-exec; port 0 = the kernel chooses.
Result<Fd> listen_tcp(Ipv4 address, uint16_t port);
/// The port a socket is bound to.
Result<uint16_t> local_port(int fd);

/// An HTTP/1.1 server over adopted listening sockets, TLS or plain: accept loop, one small-stacked
/// thread per connection, kept-alive. cpp-httplib reads bodies and writes responses; heads are read
/// by http_head.h, because httplib decodes them wrongly in places (facts: httplib.md, "Traps").
class HttpServer {
 public:
  /// `handler` must outlive the server.
  static Result<std::unique_ptr<HttpServer>> open(HttpHandler& handler, HttpServerOptions options,
                                                  Log log);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Before run(). The listening socket is closed with the server, but never shut down: whoever
  /// passed it in may keep a duplicate and hand it to the next server.
  Result<void> adopt(Fd listener, std::optional<TlsContext> tls);
  /// Serves until stop(); returns when the last connection's thread has ended.
  void run();
  /// From any thread or a signal handler.
  void stop();
  [[nodiscard]] bool stopping() const { return stopping_; }
  [[nodiscard]] size_t connections() const;

 private:
  struct Listener {
    Fd fd;
    std::optional<TlsContext> tls;
  };
  struct Engine;  ///< Our httplib::Server.
  struct Task;

  HttpServer(HttpHandler& handler, HttpServerOptions options, Log log, Fd wake);
  void accept_one(const Listener& listener);
  bool start_thread(Fd socket, const TlsContext* tls);
  void serve(Fd socket, const TlsContext* tls);
  void serve_requests(Connection& connection);
  void drain();

  HttpServerOptions options_;
  Log log_;
  Fd wake_;  ///< Written once by stop(), never read: wakes every poll.
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<Engine> engine_;
  mutable std::mutex mutex_;
  std::condition_variable gone_;
  size_t threads_ = 0;
  std::set<Connection*> open_;
};

}  // namespace hoplab::web
