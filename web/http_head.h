#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "web/http.h"

/// Reading of message heads: pure functions over untrusted bytes.
namespace hoplab::web {

/// How the body after a head is framed.
struct BodyFraming {
  bool chunked = false;
  std::optional<uint64_t> length;  ///< Content-Length.

  [[nodiscard]] bool has_body() const { return chunked || length.value_or(0) > 0; }
};

struct RequestHead {
  HttpRequest request;  ///< Without body and peer.
  BodyFraming framing;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  BodyFraming framing;
  bool keep_alive = true;
};

/// `text` ends with the empty line. Strict where laxness lets one message be read as two: both
/// framings at once, repeated or odd Content-Length, folded lines, control characters. Fails with
/// `bad_request`.
Result<RequestHead> parse_request_head(std::string_view text);
Result<ResponseHead> parse_response_head(std::string_view text);

}  // namespace hoplab::web
