#include "cmd/image_whoami_answer.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

constexpr int64_t most_data = int64_t{1} << 30;

/// Go's canonical form: "user-agent" -> "User-Agent".
std::string canonical(std::string_view name) {
  std::string out = to_lower(name);
  bool start = true;
  for (char& c : out) {
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    start = c == '-';
  }
  return out;
}

using SortedHeaders = std::map<std::string, std::vector<std::string>>;

SortedHeaders sorted_headers(const web::HttpRequest& request) {
  SortedHeaders sorted;
  for (const auto& [name, value] : request.headers) sorted[canonical(name)].push_back(value);
  return sorted;
}

/// The request as Go's http.Request.Write puts it on the wire.
std::string written_request(const web::HttpRequest& request) {
  SortedHeaders headers = sorted_headers(request);
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
  out += "Host: " + request.header("Host") + "\r\n";
  auto agent = headers.find("User-Agent");
  std::string agent_text = agent == headers.end() ? "Go-http-client/1.1" : agent->second[0];
  if (!agent_text.empty()) out += "User-Agent: " + agent_text + "\r\n";
  if (!request.body.empty()) out += str("Content-Length: ", request.body.size(), "\r\n");
  for (const char* written : {"Host", "User-Agent", "Content-Length", "Transfer-Encoding"}) {
    headers.erase(written);
  }
  for (const auto& [name, values] : headers) {
    for (const std::string& value : values) out += name + ": " + value + "\r\n";
  }
  return out + "\r\n" + request.body;
}

/// One member of an object that is written by hand to keep the order.
void add(std::string& out, std::string_view key, const Json& value) {
  bool empty = value.is_null() ||
               ((value.is_string() || value.is_structured()) && (value.empty() || value == ""));
  if (empty && key != "method") return;
  if (out.size() > 1) out += ",";
  out += str("\"", key, "\":", dump_json(value));
}

int64_t unit_of(const std::string& unit) {
  if (unit == "kb") return int64_t{1} << 10;
  if (unit == "mb") return int64_t{1} << 20;
  if (unit == "gb") return int64_t{1} << 30;
  if (unit == "tb") return int64_t{1} << 40;
  return 1;
}

}  // namespace

std::string remote_address(const web::HttpRequest& request) {
  return str(request.peer.address, ":", request.peer.port);
}

std::string whoami_text(const WhoamiIdentity& identity, const web::HttpRequest& request) {
  std::string out;
  if (!identity.name.empty()) out += "Name: " + identity.name + "\n";
  out += "Hostname: " + identity.hostname + "\n";
  for (const std::string& address : identity.addresses) out += "IP: " + address + "\n";
  out += "RemoteAddr: " + remote_address(request) + "\n";
  return out + written_request(request);
}

std::string whoami_api(const WhoamiIdentity& identity, const web::HttpRequest& request) {
  SortedHeaders headers = sorted_headers(request);
  headers.erase("Host");  // Go keeps it apart
  std::string out = "{";
  add(out, "hostname", identity.hostname);
  add(out, "ip", identity.addresses);
  add(out, "headers", headers);
  add(out, "url", request.target);
  add(out, "host", request.header("Host"));
  add(out, "method", request.method);
  add(out, "name", identity.name);
  add(out, "remoteAddr", remote_address(request));
  return out + "}\n";
}

std::optional<Millis> parse_go_duration(std::string_view text) {
  double total = 0;
  std::string rest(text);
  while (!rest.empty()) {
    char* end = nullptr;
    double number = std::strtod(rest.c_str(), &end);
    if (end == rest.c_str() || !(number >= 0) || number > 1e9) return std::nullopt;
    rest.erase(0, static_cast<size_t>(end - rest.c_str()));
    size_t letters = rest.find_first_of("0123456789.");
    std::string unit = rest.substr(0, letters);
    const std::map<std::string, double> millis{{"us", 1e-3}, {"ms", 1},    {"s", 1e3},
                                               {"m", 6e4},   {"h", 3.6e6}, {"ns", 1e-6}};
    auto found = millis.find(unit);
    if (found == millis.end()) return std::nullopt;
    total += number * found->second;
    rest.erase(0, unit.size());
  }
  if (text.empty() || total > 3.6e6) return std::nullopt;
  return Millis(static_cast<int64_t>(total));
}

int64_t whoami_data_size(const web::HttpRequest& request) {
  std::string size = request.query.get("size");
  char* end = nullptr;
  int64_t count = std::strtoll(size.c_str(), &end, 10);
  if (size.empty() || *end != '\0') count = 1;
  int64_t unit = unit_of(to_lower(request.query.get("unit")));
  if (unit > most_data) return count > 0 ? most_data : 0;
  return std::clamp<int64_t>(count, 0, most_data / unit) * unit;
}

std::string whoami_data(int64_t total, int64_t offset, int64_t length) {
  constexpr std::string_view letters = "-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string out;
  out.reserve(static_cast<size_t>(length));
  for (int64_t i = offset; i < offset + length; ++i) {
    bool edge = i == 0 || i == total - 1;
    out += edge ? '|' : letters[static_cast<size_t>(i) % letters.size()];
  }
  return out;
}

}  // namespace hoplab::cmd
