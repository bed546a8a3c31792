#include "web/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include "runtime/base/text.h"
#include "web/http_exchange.h"

namespace hoplab::web {

namespace {

/// Small, so that huge pages never back it; deep recursion is bounded by parse_json's depth.
constexpr size_t thread_stack_size = size_t{1} << 20U;
constexpr Millis linger{2'000};

/// One thread serves one connection: httplib's handlers find their exchange here.
thread_local HttpExchange* current = nullptr;

class StreamWriter final : public BodyWriter {
 public:
  StreamWriter(httplib::DataSink& sink, HttpExchange& exchange, const std::atomic<bool>& stopping)
      : sink_(sink), exchange_(exchange), stopping_(stopping) {}

  bool write(std::string_view data) override {
    if (data.empty()) return exchange_.flush();
    return sink_.write(data.data(), data.size()) && exchange_.flush();
  }
  [[nodiscard]] bool open() const override {
    return !stopping_ && !exchange_.connection.peer_gone();
  }

 private:
  httplib::DataSink& sink_;
  HttpExchange& exchange_;
  const std::atomic<bool>& stopping_;
};

}  // namespace

std::optional<HttpResponse> HttpHandler::admit(HttpRequest&) {
  return std::nullopt;
}

std::optional<HttpResponse> HttpHandler::upgrade(const HttpRequest& request, Connection&) {
  return refuse(Error(ErrorCode::bad_request, "no upgrade of " + request.path), 400);
}

HttpResponse HttpHandler::refuse(const Error& error, int status) {
  return text_response(status, error.message() + "\n");
}

Result<Fd> listen_tcp(Ipv4 address, uint16_t port) {
  const std::string what = str("listening on ", to_string(address), ":", port);
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::from_errno(errno, what);
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = address.network_order();
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 ||
      listen(fd.get(), 512) != 0) {
    return Error::from_errno(errno, what);
  }
  return fd;
}

Result<uint16_t> local_port(int fd) {
  sockaddr_in name{};
  socklen_t size = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return Error::from_errno(errno, "reading a socket's port");
  }
  return ntohs(name.sin_port);
}

/// httplib's part: bodies in, responses out. Its own routing sees one path, "/".
struct HttpServer::Engine : httplib::Server {
  Engine(HttpHandler& to, const HttpServer& owner) : handler(to), server(owner) {
    svr_sock_ = owner.wake_.get();  // Chunked providers run only while this is valid.
    set_payload_max_length(owner.options_.max_body);
    set_keep_alive_max_count(1'000'000);
    set_keep_alive_timeout(owner.options_.idle_timeout.count() / 1000);
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& res) {
      return before_body(res) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    auto serve = [this](const httplib::Request& req, httplib::Response& res) {
      current->head.request.body = req.body;
      guarded(res, [&] { return handler.handle(current->head.request); });
    };
    Get("/", serve);
    Post("/", serve);
    set_error_handler(httplib::Server::HandlerWithResponse(
        [this](const httplib::Request&, httplib::Response& res) { return explain(res); }));
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& res) {
      if (!server.options_.announce_keep_alive) res.headers.erase("Keep-Alive");
      if (!current->close_after) return;
      res.headers.erase("Keep-Alive");
      res.headers.erase("Connection");
      res.set_header("Connection", "close");
    });
  }

  bool process(HttpExchange& exchange) {
    bool closed = false;
    current = &exchange;
    bool ok = process_request(exchange, false, closed, nullptr);
    current = nullptr;
    return ok && !closed;
  }

  /// True when the request is answered without its body.
  bool before_body(httplib::Response& res) {
    HttpRequest& request = current->head.request;
    std::optional<HttpResponse> answer;
    const std::string coding = request.header("Content-Encoding");
    if (!coding.empty() && coding != "identity") {
      answer = handler.refuse(
          Error(ErrorCode::unsupported_media_type, "bodies with Content-Encoding are not read"),
          415);
    } else if (current->head.framing.length.value_or(0) > server.options_.max_body) {
      answer = too_large();
    } else {
      answer = handler.admit(request);
    }
    if (!answer && !request.upgrade().empty() && !current->head.framing.has_body()) {
      current->give_back();
      answer = handler.upgrade(request, current->connection);
      if (!answer) {
        current->hijack();
        return true;
      }
    }
    if (!answer) return false;
    if (current->head.framing.has_body()) current->close_after = true;
    fill(res, std::move(*answer));
    return true;
  }

  template <typename Call>
  void guarded(httplib::Response& res, Call call) {
    try {
      fill(res, call());
    } catch (const std::exception& e) {
      server.log_.error("answering " + current->head.request.path + ": " + e.what());
      fill(res, handler.refuse(
                    Error(ErrorCode::internal, std::string("internal error: ") + e.what()), 500));
    }
  }

  /// A body for what httplib refuses on its own (a broken chunk, an early end).
  HandlerResponse explain(httplib::Response& res) {
    if (!res.body.empty() || res.has_header("Content-Type")) return HandlerResponse::Unhandled;
    current->close_after = true;
    fill(res,
         current->too_large || res.status == 413
             ? too_large()
             : handler.refuse(Error(ErrorCode::bad_request, "the request's body is broken"), 400));
    return HandlerResponse::Handled;
  }

  HttpResponse too_large() {
    current->close_after = true;
    return handler.refuse(Error(ErrorCode::too_large, str("Request entity too large: limit is ",
                                                          server.options_.max_body)),
                          413);
  }

  void fill(httplib::Response& res, HttpResponse response) {
    res.status = response.status;
    if (response.close) current->close_after = true;
    for (const auto& [name, value] : response.headers) res.set_header(name, value);
    if (!response.stream) {
      res.set_content(response.body, response.content_type);
      return;
    }
    auto produce = [this, write = std::move(response.stream)](size_t, httplib::DataSink& sink) {
      StreamWriter writer(sink, *current, server.stopping_);
      if (writer.write({})) write(writer);  // First the head, alone: the body may take its time.
      if (current->connection.peer_gone()) return false;
      sink.done();
      return true;
    };
    res.set_chunked_content_provider(response.content_type, produce);
  }

  HttpHandler& handler;
  const HttpServer& server;
};

HttpServer::HttpServer(HttpHandler& handler, HttpServerOptions options, Log log, Fd wake)
    : options_(options), log_(std::move(log)), wake_(std::move(wake)) {
  engine_ = std::make_unique<Engine>(handler, *this);
}

HttpServer::~HttpServer() {
  stop();
  drain();
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpHandler& handler,
                                                     HttpServerOptions options, Log log) {
  Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return Error::from_errno(errno, "making an eventfd");
  return std::unique_ptr<HttpServer>(
      new HttpServer(handler, options, std::move(log), std::move(wake)));
}

Result<void> HttpServer::adopt(Fd listener, std::optional<TlsContext> tls) {
  HOP_CHECK(set_nonblocking(listener.get(), true));
  if (fcntl(listener.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return Error::from_errno(errno, "adopting a listening socket");
  }
  listeners_.push_back(std::make_unique<Listener>(Listener{std::move(listener), std::move(tls)}));
  return {};
}

void HttpServer::run() {
  std::vector<pollfd> fds{{wake_.get(), POLLIN, 0}};
  for (const auto& listener : listeners_) fds.push_back({listener->fd.get(), POLLIN, 0});
  while (!stopping_) {
    if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) break;
    for (size_t i = 1; i < fds.size() && !stopping_; ++i) {
      if (fds[i].revents != 0) accept_one(*listeners_[i - 1]);
    }
  }
  drain();
}

void HttpServer::stop() {
  stopping_ = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(wake_.get(), &one, sizeof one);
}

size_t HttpServer::connections() const {
  std::lock_guard lock(mutex_);
  return threads_;
}

void HttpServer::drain() {
  std::unique_lock lock(mutex_);
  auto drained = [this] { return threads_ == 0; };
  if (gone_.wait_for(lock, options_.grace, drained)) return;
  for (Connection* connection : open_) connection->cut();
  gone_.wait(lock, drained);
}

void HttpServer::accept_one(const Listener& listener) {
  Fd socket(accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) {
    // Out of descriptors: the backlog waits a moment instead of spinning.
    if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(Millis(20));
    return;
  }
  {
    std::lock_guard lock(mutex_);
    if (threads_ >= options_.max_connections) {
      log_.warning(str("refusing a connection: ", threads_, " are open"));
      return;
    }
    ++threads_;
  }
  if (start_thread(std::move(socket), listener.tls ? &*listener.tls : nullptr)) return;
  std::lock_guard lock(mutex_);
  --threads_;
}

struct HttpServer::Task {
  HttpServer* server;
  Fd socket;
  const TlsContext* tls;
};

bool HttpServer::start_thread(Fd socket, const TlsContext* tls) {
  auto task = std::make_unique<Task>(Task{this, std::move(socket), tls});
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, thread_stack_size);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  auto body = [](void* argument) -> void* {
    std::unique_ptr<Task> own(static_cast<Task*>(argument));
    own->server->serve(std::move(own->socket), own->tls);
    return nullptr;
  };
  pthread_t thread{};
  int failed = pthread_create(&thread, &attributes, body, task.get());
  pthread_attr_destroy(&attributes);
  if (failed != 0) return false;
  task.release();  // NOLINT: the thread owns it now
  return true;
}

void HttpServer::serve(Fd socket, const TlsContext* tls) {
  {
    Connection connection(std::move(socket), tls, wake_.get());
    {
      std::lock_guard lock(mutex_);
      open_.insert(&connection);
    }
    try {
      if (connection.accept_tls(options_.handshake_timeout).ok()) serve_requests(connection);
    } catch (const std::exception& e) {
      log_.error(std::string("serving a connection: ") + e.what());
    }
    std::lock_guard lock(mutex_);
    open_.erase(&connection);
  }
  // OpenSSL frees a thread's state after the thread's last line: too late once `drain` has returned
  // and the process exits.
  OPENSSL_thread_stop();
  std::lock_guard lock(mutex_);
  if (--threads_ == 0) gone_.notify_all();
}

void HttpServer::serve_requests(Connection& connection) {
  HttpExchange exchange(connection, options_);
  while (!stopping_ && !exchange.close_after) {
    if (auto read = exchange.next_head(); !read) {
      ErrorCode code = read.error().code();
      if (code == ErrorCode::bad_request || code == ErrorCode::too_large) {
        HttpResponse refusal =
            engine_->handler.refuse(read.error(), code == ErrorCode::too_large ? 431 : 400);
        auto sent = connection.write_all(str("HTTP/1.1 ", refusal.status,
                                             " Refused\r\nContent-Type: ", refusal.content_type,
                                             "\r\nContent-Length: ", refusal.body.size(),
                                             "\r\nConnection: close\r\n\r\n", refusal.body));
        if (sent) connection.finish(linger);
      }
      return;
    }
    bool go_on = engine_->process(exchange);
    exchange.flush();
    if (!go_on) break;
  }
  if (!stopping_) connection.finish(linger);
}

}  // namespace hoplab::web
