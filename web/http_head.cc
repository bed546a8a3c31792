#include "web/http_head.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/text.h"

namespace hoplab::web {

namespace {

Error bad(const std::string& what) {
  return {ErrorCode::bad_request, "HTTP head: " + what};
}

bool is_token_char(char c) {
  return c > ' ' && c < 0x7f &&
         std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
  });
}

/// The next line without its CRLF; false at the empty line.
bool next_line(std::string_view& text, std::string_view& line) {
  auto end = text.find("\r\n");
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  return !line.empty();
}

Result<Headers> parse_fields(std::string_view text) {
  Headers headers;
  std::string_view line;
  while (next_line(text, line)) {
    auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return bad("a line that is no \"Name: value\"");
    }
    std::string_view value = trim(line.substr(colon + 1));
    if (!is_printable(value)) return bad("a control character in a header");
    headers.emplace(line.substr(0, colon), value);
  }
  return headers;
}

Result<BodyFraming> framing_of(const Headers& headers) {
  BodyFraming framing;
  auto codings = header_values(headers, "Transfer-Encoding");
  if (!codings.empty()) {
    if (codings.size() != 1 || to_lower(codings[0]) != "chunked") {
      return bad("a Transfer-Encoding other than chunked");
    }
    framing.chunked = true;
  }
  auto lengths = header_values(headers, "Content-Length");
  if (lengths.empty()) return framing;
  if (lengths.size() > 1 || framing.chunked) return bad("the body's length is given twice");
  uint64_t length = 0;
  const char* end = lengths[0].data() + lengths[0].size();
  auto [stopped, failed] = std::from_chars(lengths[0].data(), end, length);
  if (failed != std::errc() || stopped != end) return bad("Content-Length is no number");
  framing.length = length;
  return framing;
}

bool keeps_alive(const Headers& headers, bool http11) {
  bool keep = http11;
  for (const auto& token : header_values(headers, "Connection")) {
    if (to_lower(token) == "close") keep = false;
    if (to_lower(token) == "keep-alive") keep = true;
  }
  return keep;
}

}  // namespace

Result<RequestHead> parse_request_head(std::string_view text) {
  std::string_view line;
  next_line(text, line);
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("the request line is broken");
  std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("not HTTP/1.1");
  RequestHead head;
  head.request.method = line.substr(0, first);
  head.request.target = line.substr(first + 1, last - first - 1);
  const std::string& target = head.request.target;
  if (!is_token(head.request.method)) return bad("the method is broken");
  if (target.empty() || target[0] != '/' || !is_printable(target) ||
      target.find_first_of(" \t") != std::string::npos) {
    return bad("the request's path is broken");
  }
  auto question = target.find('?');
  head.request.path = url_decode(std::string_view(target).substr(0, question), false);
  if (question != std::string::npos) {
    head.request.query = Query::parse(std::string_view(target).substr(question + 1));
  }
  HOP_TRY(head.request.headers, parse_fields(text));
  HOP_TRY(head.framing, framing_of(head.request.headers));
  head.keep_alive = keeps_alive(head.request.headers, version == "HTTP/1.1");
  head.expects_continue = to_lower(head.request.header("Expect")) == "100-continue";
  return head;
}

Result<ResponseHead> parse_response_head(std::string_view text) {
  std::string_view line;
  next_line(text, line);
  ResponseHead head;
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') {
    return bad("no HTTP/1.1 status line");
  }
  auto [stopped, failed] = std::from_chars(line.data() + 9, line.data() + 12, head.status);
  if (failed != std::errc() || stopped != line.data() + 12 || head.status < 100) {
    return bad("the status is no number");
  }
  HOP_TRY(head.headers, parse_fields(text));
  HOP_TRY(head.framing, framing_of(head.headers));
  head.keep_alive = keeps_alive(head.headers, line[7] == '1');
  return head;
}

}  // namespace hoplab::web
