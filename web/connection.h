#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "web/tls.h"

struct ssl_st;

namespace hoplab::web {

/// Who is at the other end, from its verified certificate (or, set by a server, from its token).
struct Peer {
  std::string user;  ///< CN; empty = anonymous.
  std::vector<std::string> groups;
  std::string address;  ///< "127.0.0.1", or "unix".
  uint16_t port = 0;    ///< 0 unless TCP.

  [[nodiscard]] bool anonymous() const { return user.empty(); }
};

struct Endpoint {
  std::string host;  ///< An IPv4 address or a name the machine resolves.
  uint16_t port = 0;
};

/// Waiting without an end.
inline constexpr Millis forever{-1};

/// A duplex byte stream over TCP or a unix socket, TLS or plain, server or client side. One thread
/// may read while others write: OpenSSL is entered under a mutex, and waiting happens outside it.
/// For that the socket must be non-blocking (SOCK_NONBLOCK): on a blocking one a read would sleep
/// with the mutex held and stop every writer. An idle connection holds no buffer.
class Connection {
 public:
  /// Takes a connected socket. `wake_fd` (not owned, may be -1) ends waits for input when it
  /// becomes readable. Does not talk yet.
  Connection(Fd socket, const TlsContext* tls, int wake_fd);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  /// Says goodbye to a healthy TLS peer, then closes.
  ~Connection();

  /// Connects and does the handshake. `server_name` must be in the server's certificate; empty =
  /// the endpoint's host. `tls` null = plain.
  static Result<std::unique_ptr<Connection>> connect(const Endpoint& endpoint,
                                                     const TlsContext* tls,
                                                     const std::string& server_name,
                                                     Millis timeout);

  /// The server's side of the TLS handshake; nothing to do on a plain connection.
  Result<void> accept_tls(Millis timeout);

  /// Waits for at least one byte, returns up to `size`. 0 = the peer has ended orderly.
  /// Fails with `timed_out`, or `unavailable` (broken, cut, woken up).
  Result<size_t> read_some(char* data, size_t size, Millis timeout);
  /// Exactly `size` bytes, or fails (`unavailable` also at an early end).
  Result<void> read_exactly(char* data, size_t size, Millis timeout);
  /// Puts bytes back in front of what comes next. For the reading thread.
  void unread(std::string_view data);
  /// Waits until read_some() would return at once.
  Result<void> wait_readable(Millis timeout);
  /// All of `data`; messages of several writers do not mix. `timeout` is per stall.
  Result<void> write_all(std::string_view data, Millis timeout = Millis(30'000));

  /// True once the peer has closed its side, by FIN or RST. Does not wait.
  [[nodiscard]] bool peer_gone() const;
  /// Ends every wait of every thread with an error, now. Any thread.
  void cut();
  /// Ends our side, then reads and drops what the peer still sends for at most `linger`: closing
  /// with unread input would send an RST, which destroys our last answer on its way.
  void finish(Millis linger);

  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] bool encrypted() const { return ssl_ != nullptr; }

 private:
  Result<void> connect_tls(const std::string& server_name, Millis timeout);
  Result<void> wait(short events, Millis timeout, const char* what) const;
  template <typename Call>
  Result<size_t> drive(short plain_event, Millis timeout, const char* what, Call call);
  void read_peer_certificate();

  Fd socket_;
  int wake_fd_;
  ssl_st* ssl_ = nullptr;
  Peer peer_;
  std::mutex ssl_mutex_;    ///< Around each call into OpenSSL or the socket.
  std::mutex write_mutex_;  ///< Around each whole message.
  std::atomic<bool> healthy_{true};
  std::unique_ptr<char[]> buffer_;
  size_t buffer_begin_ = 0;
  size_t buffer_end_ = 0;
};

}  // namespace hoplab::web
