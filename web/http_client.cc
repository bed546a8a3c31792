#include "web/http_client.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::web {

namespace {

constexpr size_t max_idle = 4;
constexpr size_t max_response_head = size_t{64} << 10U;

std::string request_text(const HttpTarget& target, const HttpRequest& request) {
  std::string out = request.method + " " + request.target +
                    " HTTP/1.1\r\nHost: " + target.endpoint.host + ":" +
                    std::to_string(target.endpoint.port) + "\r\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
  if (!target.bearer_token.empty() && target.tls) {
    out += "Authorization: Bearer " + target.bearer_token + "\r\n";
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return out + "\r\n" + request.body;
}

/// Reads up to the empty line; bytes beyond it go back to the connection.
Result<ResponseHead> read_head(Connection& connection, Millis timeout) {
  std::string text;
  char data[2048];
  for (;;) {
    HOP_TRY(size_t got, connection.read_some(data, sizeof data, timeout));
    if (got == 0) return Error(ErrorCode::unavailable, "the server closed without an answer");
    text.append(data, got);
    auto end = text.find("\r\n\r\n");
    if (end != std::string::npos) {
      connection.unread(std::string_view(text).substr(end + 4));
      return parse_response_head(std::string_view(text).substr(0, end + 4));
    }
    if (text.size() > max_response_head) {
      return Error(ErrorCode::too_large, "the response's head is too large");
    }
  }
}

}  // namespace

ResponseStream::ResponseStream(std::unique_ptr<Connection> connection, ResponseHead head,
                               bool bodyless)
    : connection_(std::move(connection)), head_(std::move(head)) {
  if (bodyless || head_.status == 204 || head_.status == 304) {
    done_ = true;
  } else if (!head_.framing.chunked) {
    until_close_ = !head_.framing.length.has_value();
    left_ = head_.framing.length.value_or(0);
    done_ = !until_close_ && left_ == 0;
  }
}

Result<std::string> ResponseStream::read_line(Millis timeout) {
  std::string line;
  while (!line.ends_with("\r\n")) {
    if (line.size() > 256) return Error(ErrorCode::unavailable, "a broken chunk");
    char c = 0;
    HOP_CHECK(connection_->read_exactly(&c, 1, timeout));
    line += c;
  }
  line.resize(line.size() - 2);
  return line;
}

Result<void> ResponseStream::next_chunk(Millis timeout) {
  // The wait is here, before a byte of the chunk's head is taken: a time-out loses nothing.
  HOP_CHECK(connection_->wait_readable(timeout));
  const Millis stall{10'000};
  if (!first_chunk_) {
    HOP_TRY(std::string end_of_last, read_line(stall));
    if (!end_of_last.empty()) return Error(ErrorCode::unavailable, "a broken chunk");
  }
  first_chunk_ = false;
  HOP_TRY(std::string line, read_line(stall));
  auto [stopped, failed] = std::from_chars(line.data(), line.data() + line.size(), left_, 16);
  if (failed != std::errc() || (stopped != line.data() + line.size() && *stopped != ';')) {
    return Error(ErrorCode::unavailable, "a broken chunk");
  }
  if (left_ > 0) return {};
  for (std::string trailer = "-"; !trailer.empty();) {
    HOP_TRY(trailer, read_line(stall));
  }
  done_ = true;
  return {};
}

Result<size_t> ResponseStream::read_some(char* data, size_t size, Millis timeout) {
  if (head_.framing.chunked && left_ == 0 && !done_) HOP_CHECK(next_chunk(timeout));
  if (done_) return size_t{0};
  if (!until_close_) size = std::min<uint64_t>(size, left_);
  HOP_TRY(size_t got, connection_->read_some(data, size, timeout));
  if (got == 0) {
    if (!until_close_) return Error(ErrorCode::unavailable, "the server closed within a response");
    done_ = true;
    return size_t{0};
  }
  left_ -= until_close_ ? 0 : got;
  if (!until_close_ && !head_.framing.chunked && left_ == 0) done_ = true;
  return got;
}

Result<std::string> ResponseStream::read_all(size_t limit, Millis timeout) {
  std::string out;
  if (head_.framing.length) out.reserve(std::min<uint64_t>(*head_.framing.length, limit));
  char data[16384];
  for (;;) {
    HOP_TRY(size_t got, read_some(data, sizeof data, timeout));
    if (got == 0) return out;
    if (out.size() + got > limit) {
      return Error(ErrorCode::too_large, str("the response is larger than ", limit, " bytes"));
    }
    out.append(data, got);
  }
}

std::unique_ptr<Connection> ResponseStream::take_reusable() {
  return done_ && !until_close_ && head_.keep_alive ? std::move(connection_) : nullptr;
}

HttpClient::HttpClient(HttpTarget target) : target_(std::move(target)) {}

Result<std::unique_ptr<Connection>> HttpClient::connect() const {
  return Connection::connect(target_.endpoint, target_.tls ? &*target_.tls : nullptr,
                             target_.server_name, target_.connect_timeout);
}

std::unique_ptr<Connection> HttpClient::take_idle() {
  std::lock_guard lock(mutex_);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->peer_gone()) return connection;
  }
  return nullptr;
}

void HttpClient::keep(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  if (connection && idle_.size() < max_idle) idle_.push_back(std::move(connection));
}

Result<std::unique_ptr<ResponseStream>> HttpClient::exchange(std::unique_ptr<Connection> connection,
                                                             const HttpRequest& request) const {
  HOP_CHECK(connection->write_all(request_text(target_, request)));
  HOP_TRY(ResponseHead head, read_head(*connection, target_.response_timeout));
  while (head.status == 100) {
    HOP_TRY(head, read_head(*connection, target_.response_timeout));
  }
  return std::make_unique<ResponseStream>(std::move(connection), std::move(head),
                                          request.method == "HEAD");
}

Result<std::unique_ptr<ResponseStream>> HttpClient::exchange_kept_alive(
    const HttpRequest& request) {
  if (auto idle = take_idle()) {
    auto got = exchange(std::move(idle), request);
    // A kept connection may have died unseen. Only a GET is safe to send twice.
    if (got || request.method != "GET" || got.error().code() == ErrorCode::timed_out) return got;
  }
  HOP_TRY(auto fresh, connect());
  return exchange(std::move(fresh), request);
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request, size_t body_limit) {
  HOP_TRY(auto answer, exchange_kept_alive(request).context(request.method + " " + request.path));
  HttpResponse response;
  response.status = answer->head().status;
  response.content_type = header_of(answer->head().headers, "Content-Type");
  response.headers = answer->head().headers;
  HOP_TRY(response.body, answer->read_all(body_limit, target_.response_timeout));
  keep(answer->take_reusable());
  return response;
}

Result<std::unique_ptr<ResponseStream>> HttpClient::stream(const HttpRequest& request) {
  HOP_TRY(auto fresh, connect());
  return exchange(std::move(fresh), request).context(request.method + " " + request.path);
}

}  // namespace hoplab::web
