#include "web/http.h"

#include <algorithm>
#include <cctype>

#include "runtime/base/text.h"

namespace hoplab::web {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

}  // namespace

bool CaseInsensitiveLess::operator()(std::string_view a, std::string_view b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return lower(x) < lower(y); });
}

std::string header_of(const Headers& headers, std::string_view name) {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::vector<std::string> header_values(const Headers& headers, std::string_view name) {
  std::vector<std::string> out;
  auto [first, last] = headers.equal_range(name);
  for (; first != last; ++first) {
    for (std::string_view part : split(first->second, ',')) {
      if (!trim(part).empty()) out.emplace_back(trim(part));
    }
  }
  return out;
}

std::string url_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string url_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

Query Query::parse(std::string_view text) {
  Query query;
  for (std::string_view pair : split(text, '&')) {
    if (pair.empty()) continue;
    auto equals = pair.find('=');
    auto value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
    query.add(url_decode(pair.substr(0, equals), true), url_decode(value, true));
  }
  return query;
}

bool Query::has(std::string_view name) const {
  return std::any_of(pairs_.begin(), pairs_.end(),
                     [name](const auto& pair) { return pair.first == name; });
}

std::string Query::get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : pairs_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

bool Query::flag(std::string_view name) const {
  std::string value = get(name);
  return value == "true" || value == "1";
}

void Query::add(std::string name, std::string value) {
  pairs_.emplace_back(std::move(name), std::move(value));
}

std::string Query::text() const {
  std::string out;
  for (const auto& [key, value] : pairs_) {
    if (!out.empty()) out += '&';
    out += url_encode(key) + "=" + url_encode(value);
  }
  return out;
}

std::string HttpRequest::content_type() const {
  std::string value = header("Content-Type");
  return to_lower(trim(std::string_view(value).substr(0, value.find(';'))));
}

std::string HttpRequest::upgrade() const {
  for (const auto& token : header_values(headers, "Connection")) {
    if (to_lower(token) == "upgrade") return header("Upgrade");
  }
  return {};
}

std::string warning_header(const std::string& text) {
  // A quoted string as JSON writes it: no line ends, no other control characters.
  return "299 - " + dump_json(Json(text));
}

std::optional<std::string> read_warning(std::string_view header) {
  const size_t quote = header.find('"');
  if (!header.starts_with("299 ") || quote == std::string_view::npos) return std::nullopt;
  auto text = parse_json(header.substr(quote, header.rfind('"') + 1 - quote));
  if (!text || !text->is_string()) return std::nullopt;
  return text->get<std::string>();
}

HttpResponse text_response(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

HttpResponse json_response(int status, const Json& value) {
  HttpResponse response;
  response.status = status;
  response.body = dump_json(value) + "\n";
  return response;
}

}  // namespace hoplab::web
