#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/json.h"
#include "web/connection.h"

/// HTTP/1.1 messages as plain values, for our server and our client.
namespace hoplab::web {

struct CaseInsensitiveLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};
/// Names compare without case; a name may occur several times.
using Headers = std::multimap<std::string, std::string, CaseInsensitiveLess>;

/// The first value of a header, "" when missing.
std::string header_of(const Headers& headers, std::string_view name);
/// All values of a header, also those in one comma-separated line, in order.
std::vector<std::string> header_values(const Headers& headers, std::string_view name);

/// "%2F" -> "/"; broken escapes stay as they are. '+' means a space in queries only.
std::string url_decode(std::string_view text, bool plus_is_space);
/// Escapes everything but letters, digits and "-._~".
std::string url_encode(std::string_view text);

/// The pairs after '?', decoded, in order, with repetitions (exec's `command=a&command=a`).
class Query {
 public:
  Query() = default;
  static Query parse(std::string_view text);

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::string get(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  /// "true" or "1", as Kubernetes reads booleans.
  [[nodiscard]] bool flag(std::string_view name) const;
  void add(std::string name, std::string value);
  /// "a=b&c=d" without '?'.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  ///< As sent: path and query, still encoded.
  std::string path;          ///< Decoded.
  Query query;
  Headers headers;
  std::string body;
  Peer peer;

  [[nodiscard]] std::string header(std::string_view name) const { return header_of(headers, name); }
  /// The media type in lower case without parameters: "application/json".
  [[nodiscard]] std::string content_type() const;
  /// The protocol that the client wants to change to ("SPDY/3.1"), "" for a plain request.
  [[nodiscard]] std::string upgrade() const;
};

/// Where a streaming response goes.
class BodyWriter {
 public:
  BodyWriter() = default;
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;
  virtual ~BodyWriter() = default;
  /// Sends at once; false when the client is gone.
  virtual bool write(std::string_view data) = 0;
  /// False once the client has gone or the server stops: the producer must return. Cheap; a
  /// producer that waits asks at least every two seconds.
  [[nodiscard]] virtual bool open() const = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers;
  std::string body;
  /// When set, the body is what this writes, sent chunked, on the connection's own thread.
  std::function<void(BodyWriter&)> stream;
  bool close = false;  ///< Close the connection after this response.
};

/// A text as the value of a Warning header (RFC 7234): `299 - "unknown field \"spec.foo\""`.
std::string warning_header(const std::string& text);
/// The text of one; nullopt for what is not of that form.
std::optional<std::string> read_warning(std::string_view header);

HttpResponse text_response(int status, std::string text);
HttpResponse json_response(int status, const Json& value);

}  // namespace hoplab::web
