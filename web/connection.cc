#include "web/connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/base/text.h"
#include "web/openssl.h"

namespace hoplab::web {

namespace {

constexpr size_t buffer_size = 16384;

/// Sets address and port.
void describe_peer(int fd, Peer& peer) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  peer.address = "unknown";
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
  char host[64];
  char port[8];
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) {
    peer.address = "unix";
  } else if (getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, port,
                         sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    peer.address = host;
    peer.port = static_cast<uint16_t>(std::strtoul(port, nullptr, 10));
  }
}

std::vector<std::string> name_entries(X509_NAME* name, int nid) {
  std::vector<std::string> out;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<size_t>(ASN1_STRING_length(text)));
  }
  return out;
}

Millis left_until(SteadyTime end) {
  return std::max(Millis(0),
                  std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now()));
}

/// A socket on its way to one of the addresses the name has; the first that answers wins.
Result<Fd> open_socket(const Endpoint& endpoint, Millis timeout) {
  const std::string where = str(endpoint.host, ":", endpoint.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int failed =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) {
    return Error(ErrorCode::unavailable, "connecting to " + where + ": " + gai_strerror(failed));
  }
  std::unique_ptr<addrinfo, OpensslDeleter<freeaddrinfo>> owner(found);
  Error last(ErrorCode::unavailable, "connecting to " + where + ": no address");
  for (; found != nullptr; found = found->ai_next) {
    Fd socket_fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_fd) return Error::from_errno(errno, "opening a socket");
    int error = 0;
    if (connect(socket_fd.get(), found->ai_addr, found->ai_addrlen) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        pollfd poller{socket_fd.get(), POLLOUT, 0};
        int ready = poll(&poller, 1, static_cast<int>(timeout.count()));
        socklen_t size = sizeof error;
        error = ready == 0 ? ETIMEDOUT : errno;
        if (ready > 0) getsockopt(socket_fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) return socket_fd;
    last = Error::from_errno(error, "connecting to " + where);
  }
  return last;
}

void set_tcp_options(int fd) {
  int on = 1;
  int unanswered_ms = 30'000;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer whose host lost power sends no FIN: probes end its watches within half a minute.
  int idle_seconds = 15;
  int probe_seconds = 5;
  int probes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe_seconds, sizeof probe_seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
}

}  // namespace

Connection::Connection(Fd socket, const TlsContext* tls, int wake_fd)
    : socket_(std::move(socket)), wake_fd_(wake_fd) {
  set_tcp_options(socket_.get());
  describe_peer(socket_.get(), peer_);
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls->get());
  if (ssl_ == nullptr || SSL_set_fd(ssl_, socket_.get()) != 1) {
    ERR_clear_error();
    healthy_ = false;
  }
}

Connection::~Connection() {
  if (ssl_ == nullptr) return;
  ERR_clear_error();
  if (healthy_) SSL_shutdown(ssl_);
  ERR_clear_error();
  SSL_free(ssl_);
}

Result<std::unique_ptr<Connection>> Connection::connect(const Endpoint& endpoint,
                                                        const TlsContext* tls,
                                                        const std::string& server_name,
                                                        Millis timeout) {
  HOP_TRY(Fd socket, open_socket(endpoint, timeout));
  auto connection = std::make_unique<Connection>(std::move(socket), tls, -1);
  if (tls != nullptr) {
    HOP_CHECK(connection->connect_tls(server_name.empty() ? endpoint.host : server_name, timeout)
                  .context(str("TLS with ", endpoint.host, ":", endpoint.port)));
  }
  return connection;
}

Result<void> Connection::connect_tls(const std::string& server_name, Millis timeout) {
  if (!healthy_) return Error(ErrorCode::internal, "TLS could not be set up");
  X509_VERIFY_PARAM* check = SSL_get0_param(ssl_);
  if (X509_VERIFY_PARAM_set1_ip_asc(check, server_name.c_str()) != 1) {
    ERR_clear_error();
    X509_VERIFY_PARAM_set1_host(check, server_name.c_str(), 0);
    SSL_set_tlsext_host_name(ssl_, server_name.c_str());
  }
  auto done = drive(POLLOUT, timeout, "handshake", [this] { return SSL_connect(ssl_); });
  if (!done) {
    long verified = SSL_get_verify_result(ssl_);
    if (verified != X509_V_OK) {
      return Error(ErrorCode::unauthorized, std::string("the server's certificate is refused: ") +
                                                X509_verify_cert_error_string(verified));
    }
    return std::move(done).error();
  }
  read_peer_certificate();
  return {};
}

Result<void> Connection::accept_tls(Millis timeout) {
  if (ssl_ == nullptr) return {};
  HOP_CHECK(drive(POLLIN, timeout, "handshake", [this] { return SSL_accept(ssl_); }));
  read_peer_certificate();
  return {};
}

void Connection::read_peer_certificate() {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return;
  X509_NAME* name = X509_get_subject_name(certificate);
  auto users = name_entries(name, NID_commonName);
  if (!users.empty()) peer_.user = users.back();
  peer_.groups = name_entries(name, NID_organizationName);
}

Result<void> Connection::wait(short events, Millis timeout, const char* what) const {
  pollfd fds[2] = {{socket_.get(), events, 0}, {events == POLLIN ? wake_fd_ : -1, POLLIN, 0}};
  int ready = 0;
  while ((ready = poll(fds, 2, static_cast<int>(timeout.count()))) < 0 && errno == EINTR) {
  }
  if (ready < 0) return Error::from_errno(errno, what);
  if (ready == 0) return Error(ErrorCode::timed_out, std::string(what) + ": the peer is silent");
  if (fds[0].revents == 0) return Error(ErrorCode::unavailable, std::string(what) + ": stopping");
  return {};
}

template <typename Call>
Result<size_t> Connection::drive(short plain_event, Millis timeout, const char* what, Call call) {
  const bool bounded = timeout >= Millis(0);
  const SteadyTime end = std::chrono::steady_clock::now() + (bounded ? timeout : Millis(0));
  for (;;) {
    short event = plain_event;
    {
      std::lock_guard lock(ssl_mutex_);
      if (!healthy_) return Error(ErrorCode::unavailable, std::string(what) + ": closed");
      ERR_clear_error();
      errno = 0;
      auto did = static_cast<ssize_t>(call());
      if (did > 0) return static_cast<size_t>(did);
      if (ssl_ != nullptr) {
        int reason = SSL_get_error(ssl_, static_cast<int>(did));
        if (reason == SSL_ERROR_ZERO_RETURN) return size_t{0};
        if (reason == SSL_ERROR_WANT_READ) {
          event = POLLIN;
        } else if (reason == SSL_ERROR_WANT_WRITE) {
          event = POLLOUT;
        } else {
          int sys = errno;
          healthy_ = false;  // After a fatal error SSL_shutdown must not be called.
          if (reason == SSL_ERROR_SYSCALL && sys != 0) return Error::from_errno(sys, what);
          return openssl_error(what, ErrorCode::unavailable);
        }
      } else if (did == 0) {
        return size_t{0};
      } else if (errno != EAGAIN && errno != EINTR) {
        healthy_ = false;
        return Error::from_errno(errno, what);
      }
    }
    HOP_CHECK(wait(event, bounded ? left_until(end) : forever, what));
  }
}

Result<size_t> Connection::read_some(char* data, size_t size, Millis timeout) {
  if (buffer_begin_ == buffer_end_) {
    if (!buffer_) buffer_.reset(new char[buffer_size]);
    auto got = drive(POLLIN, timeout, "reading", [this]() -> ssize_t {
      if (ssl_ != nullptr) return SSL_read(ssl_, buffer_.get(), buffer_size);
      return recv(socket_.get(), buffer_.get(), buffer_size, 0);
    });
    if (!got || *got == 0) {
      buffer_.reset();
      return got;
    }
    buffer_begin_ = 0;
    buffer_end_ = *got;
  }
  size = std::min(size, buffer_end_ - buffer_begin_);
  memcpy(data, buffer_.get() + buffer_begin_, size);
  buffer_begin_ += size;
  if (buffer_begin_ == buffer_end_) {
    buffer_.reset();
    buffer_begin_ = buffer_end_ = 0;
  }
  return size;
}

Result<void> Connection::read_exactly(char* data, size_t size, Millis timeout) {
  while (size > 0) {
    HOP_TRY(size_t got, read_some(data, size, timeout));
    if (got == 0) return Error(ErrorCode::unavailable, "reading: the peer ended early");
    data += got;
    size -= got;
  }
  return {};
}

void Connection::unread(std::string_view data) {
  if (data.empty()) return;
  size_t kept = buffer_end_ - buffer_begin_;
  std::unique_ptr<char[]> joined(new char[std::max(buffer_size, data.size() + kept)]);
  memcpy(joined.get(), data.data(), data.size());
  if (kept > 0) memcpy(joined.get() + data.size(), buffer_.get() + buffer_begin_, kept);
  buffer_ = std::move(joined);
  buffer_begin_ = 0;
  buffer_end_ = data.size() + kept;
}

Result<void> Connection::wait_readable(Millis timeout) {
  if (buffer_begin_ < buffer_end_) return {};
  if (ssl_ != nullptr) {
    std::lock_guard lock(ssl_mutex_);
    if (SSL_has_pending(ssl_) == 1) return {};
  }
  return wait(POLLIN, timeout, "waiting");
}

Result<void> Connection::write_all(std::string_view data, Millis timeout) {
  std::lock_guard whole(write_mutex_);
  while (!data.empty()) {
    auto did = drive(POLLOUT, timeout, "writing", [this, data]() -> ssize_t {
      size_t part = std::min<size_t>(data.size(), size_t{1} << 30U);
      if (ssl_ != nullptr) return SSL_write(ssl_, data.data(), static_cast<int>(part));
      return send(socket_.get(), data.data(), part, MSG_NOSIGNAL);
    });
    if (!did) return std::move(did).error();
    if (*did == 0) return Error(ErrorCode::unavailable, "writing: the peer has closed");
    data.remove_prefix(*did);
  }
  return {};
}

bool Connection::peer_gone() const {
  // A peek would only find the unread close_notify of TLS.
  pollfd poller{socket_.get(), POLLRDHUP, 0};
  return !healthy_ || poll(&poller, 1, 0) != 0;
}

void Connection::cut() {
  shutdown(socket_.get(), SHUT_RDWR);
}

void Connection::finish(Millis linger) {
  if (ssl_ != nullptr) {
    std::lock_guard lock(ssl_mutex_);
    ERR_clear_error();
    if (healthy_) SSL_shutdown(ssl_);
    ERR_clear_error();
    healthy_ = false;
  }
  shutdown(socket_.get(), SHUT_WR);
  const SteadyTime end = std::chrono::steady_clock::now() + linger;
  char dropped[4096];
  while (wait(POLLIN, left_until(end), "lingering").ok()) {
    ssize_t got = recv(socket_.get(), dropped, sizeof dropped, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
    if (std::chrono::steady_clock::now() >= end) return;
  }
}

}  // namespace hoplab::web
