#include "web/http_exchange.h"

#include <algorithm>
#include <cstring>

namespace hoplab::web {

namespace {

constexpr size_t flush_at = size_t{32} << 10U;
/// Room for chunk sizes and trailers of a chunked body that is within the limit.
constexpr size_t framing_allowance = size_t{256} << 10U;

Millis left_until(SteadyTime end) {
  return std::max(Millis(0),
                  std::chrono::duration_cast<Millis>(end - std::chrono::steady_clock::now()));
}

}  // namespace

HttpExchange::HttpExchange(Connection& to, const HttpServerOptions& options)
    : connection(to), options_(options) {}

Result<void> HttpExchange::fill(Millis timeout) {
  char data[4096];
  HOP_TRY(size_t got, connection.read_some(data, sizeof data, timeout));
  if (got == 0) return Error(ErrorCode::unavailable, "the client has closed");
  in_.append(data, got);
  return {};
}

Result<void> HttpExchange::next_head() {
  in_.erase(0, in_at_);
  in_at_ = 0;
  if (in_.empty()) in_.shrink_to_fit();  // An idle connection holds no memory.
  if (in_.empty()) HOP_CHECK(connection.wait_readable(options_.idle_timeout));
  const SteadyTime end = std::chrono::steady_clock::now() + options_.head_timeout;
  size_t found = 0;
  for (size_t searched = 0; (found = in_.find("\r\n\r\n", searched)) == std::string::npos;) {
    if (in_.size() > options_.max_head) break;
    searched = in_.size() < 3 ? 0 : in_.size() - 3;
    HOP_CHECK(fill(left_until(end)));
  }
  if (found == std::string::npos || found > options_.max_head) {
    return Error(ErrorCode::too_large, "the request's head is too large");
  }
  HOP_TRY(head, parse_request_head(std::string_view(in_).substr(0, found + 4)));
  in_at_ = found + 4;
  head.request.peer = connection.peer();
  if (!head.keep_alive) close_after = true;
  present(head);
  return {};
}

void HttpExchange::present(const RequestHead& parsed) {
  body_bytes_ = 0;
  too_large = false;
  presented_at_ = 0;
  if (!parsed.framing.has_body()) {
    presented_ = parsed.request.method == "HEAD" ? "HEAD / HTTP/1.1\r\n" : "GET / HTTP/1.1\r\n";
  } else {
    presented_ = "POST / HTTP/1.1\r\nContent-Type: application/octet-stream\r\n";
    presented_ += parsed.framing.chunked
                      ? "Transfer-Encoding: chunked\r\n"
                      : "Content-Length: " + std::to_string(*parsed.framing.length) + "\r\n";
    if (parsed.expects_continue) presented_ += "Expect: 100-continue\r\n";
  }
  if (!parsed.keep_alive) presented_ += "Connection: close\r\n";
  presented_ += "\r\n";
  body_end_ = std::chrono::steady_clock::now() + options_.body_timeout;
}

ssize_t HttpExchange::read(char* data, size_t size) {
  if (presented_at_ < presented_.size()) {
    size = std::min(size, presented_.size() - presented_at_);
    memcpy(data, presented_.data() + presented_at_, size);
    presented_at_ += size;
    return static_cast<ssize_t>(size);
  }
  if (body_bytes_ > options_.max_body + framing_allowance) {
    too_large = close_after = true;
    return -1;
  }
  if (!flush()) return -1;
  if (in_at_ == in_.size()) {
    in_.clear();
    in_at_ = 0;
    if (!fill(left_until(body_end_))) {
      close_after = true;
      return -1;
    }
  }
  size = std::min(size, in_.size() - in_at_);
  memcpy(data, in_.data() + in_at_, size);
  in_at_ += size;
  body_bytes_ += size;
  return static_cast<ssize_t>(size);
}

ssize_t HttpExchange::write(const char* data, size_t size) {
  if (hijacked_) return static_cast<ssize_t>(size);
  if (out_.size() + size <= flush_at) {
    out_.append(data, size);
    return static_cast<ssize_t>(size);
  }
  if (!flush() || !connection.write_all({data, size}).ok()) return -1;
  return static_cast<ssize_t>(size);
}

void HttpExchange::give_back() {
  connection.unread(std::string_view(in_).substr(in_at_));
  in_.clear();
  in_at_ = 0;
}

bool HttpExchange::flush() {
  if (out_.empty()) return true;
  bool sent = connection.write_all(out_).ok();
  out_.clear();
  out_.shrink_to_fit();
  if (!sent) close_after = true;
  return sent;
}

void HttpExchange::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = connection.peer().address;
  port = 0;
}

void HttpExchange::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace hoplab::web
