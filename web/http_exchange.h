#pragma once

// The layout of httplib::Request depends on these; the library was built with all three.
#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
#define CPPHTTPLIB_OPENSSL_SUPPORT
#define CPPHTTPLIB_ZLIB_SUPPORT
#define CPPHTTPLIB_BROTLI_SUPPORT
#endif
#include <httplib.h>

#include <functional>
#include <string>

#include "web/http_head.h"
#include "web/http_server.h"

namespace hoplab::web {

/// One connection as httplib's Stream. We read each head whole (bounded in size and time) and hand
/// httplib a minimal one in its place: "POST /" with a body, "GET /" without, and the framing.
/// For http_server.cc only.
class HttpExchange : public httplib::Stream {
 public:
  HttpExchange(Connection& connection, const HttpServerOptions& options);

  /// Waits for the next head and reads it. Fails with `unavailable` or `timed_out` when there is
  /// nobody to answer; `bad_request` and `too_large` deserve an answer.
  Result<void> next_head();
  /// Sends what is buffered. False: the client is gone.
  bool flush();
  /// After the handler took the connection over: what httplib still writes goes nowhere.
  void hijack() { hijacked_ = close_after = true; }
  /// Gives bytes read beyond the head back to the connection, for a session that takes it over.
  void give_back();

  RequestHead head;
  bool close_after = false;
  bool too_large = false;  ///< The body grew past the limit while it was read.
  Connection& connection;

  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return !connection.peer_gone(); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  /// Any number below FD_SETSIZE: httplib answers 500 above it, and uses it for nothing else.
  [[nodiscard]] socket_t socket() const override { return 0; }

 private:
  Result<void> fill(Millis timeout);
  void present(const RequestHead& parsed);

  const HttpServerOptions& options_;
  std::string presented_;  ///< The head httplib sees.
  size_t presented_at_ = 0;
  std::string in_;  ///< Read from the peer, not yet used.
  size_t in_at_ = 0;
  std::string out_;
  size_t body_bytes_ = 0;
  SteadyTime body_end_;
  bool hijacked_ = false;
};

}  // namespace hoplab::web
