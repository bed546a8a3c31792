#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "web/connection.h"
#include "web/http.h"
#include "web/http_head.h"

namespace hoplab::web {

/// Where a client goes and as whom.
struct HttpTarget {
  Endpoint endpoint;
  std::string server_name;        ///< In the server's certificate; empty = the endpoint's host.
  std::optional<TlsContext> tls;  ///< Nullopt = plain HTTP.
  std::string bearer_token;       ///< Only ever sent over TLS.
  Millis connect_timeout{5'000};
  Millis response_timeout{60'000};
};

/// The body of a response while it arrives. One reader thread; cut() from any thread.
class ResponseStream {
 public:
  ResponseStream(std::unique_ptr<Connection> connection, ResponseHead head, bool bodyless);

  [[nodiscard]] const ResponseHead& head() const { return head_; }
  /// Up to `size` bytes of the body; 0 at its end.
  Result<size_t> read_some(char* data, size_t size, Millis timeout);
  /// The rest of the body; `too_large` past `limit`.
  Result<std::string> read_all(size_t limit, Millis timeout);
  void cut() { connection_->cut(); }
  /// The connection for another request, when the body is read to its end and the server keeps it;
  /// else null.
  std::unique_ptr<Connection> take_reusable();
  /// The connection of an upgraded session.
  std::unique_ptr<Connection> take_connection() { return std::move(connection_); }

 private:
  Result<void> next_chunk(Millis timeout);
  Result<std::string> read_line(Millis timeout);

  std::unique_ptr<Connection> connection_;
  ResponseHead head_;
  uint64_t left_ = 0;  ///< Of the body or of the present chunk.
  bool until_close_ = false;
  bool first_chunk_ = true;
  bool done_ = false;
};

/// An HTTP/1.1 client of one server with a pool of kept-alive connections. Thread-safe. No threads
/// of its own: the caller's thread reads, so a waiting watch costs one connection and no stack.
class HttpClient {
 public:
  explicit HttpClient(HttpTarget target);

  /// A whole exchange. Any status is a success here; errors are those of the network.
  Result<HttpResponse> send(const HttpRequest& request, size_t body_limit = size_t{256} << 20U);
  /// The same, but the body is read by the caller, on a connection of its own.
  Result<std::unique_ptr<ResponseStream>> stream(const HttpRequest& request);
  [[nodiscard]] const HttpTarget& target() const { return target_; }

 private:
  Result<std::unique_ptr<Connection>> connect() const;
  std::unique_ptr<Connection> take_idle();
  void keep(std::unique_ptr<Connection> connection);
  Result<std::unique_ptr<ResponseStream>> exchange(std::unique_ptr<Connection> connection,
                                                   const HttpRequest& request) const;
  Result<std::unique_ptr<ResponseStream>> exchange_kept_alive(const HttpRequest& request);

  HttpTarget target_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace hoplab::web
