#include "store/api/names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <initializer_list>

#include "runtime/base/ip.h"
#include "runtime/base/text.h"

namespace hoplab::api {

namespace {

constexpr std::string_view label_regex = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view qualified_regex = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
constexpr std::string_view qualified_rule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character";

// Not <cctype>: names are ASCII whatever the locale says.
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_alnum(char c) {
  return is_lower(c) || is_digit(c);
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

template <typename Inner, typename Edge>
bool made_of(std::string_view text, Inner inner, Edge edge) {
  return !text.empty() && edge(text.front()) && edge(text.back()) &&
         std::all_of(text.begin(), text.end(), inner);
}

bool is_label(std::string_view text) {
  return made_of(
      text, [](char c) { return is_lower_alnum(c) || c == '-'; }, is_lower_alnum);
}

bool is_subdomain(std::string_view text) {
  auto parts = split(text, '.');
  return !parts.empty() && std::all_of(parts.begin(), parts.end(), is_label);
}

bool is_qualified(std::string_view text) {
  auto inner = [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; };
  return made_of(text, inner, is_alnum);
}

std::string too_long(size_t limit) {
  return str("must be no more than ", limit, " characters");
}

/// The wording (two blanks before "or" included) of Kubernetes' RegexError().
std::string regex_problem(std::string_view rule, std::string_view regex,
                          std::initializer_list<std::string_view> examples) {
  std::string out = str(rule, " (e.g. ");
  bool first = true;
  for (auto example : examples) {
    out += str(first ? "" : " or ", "'", example, "', ");
    first = false;
  }
  return str(out, "regex used for validation is '", regex, "')");
}

std::string qualified_problem() {
  return regex_problem(qualified_rule, qualified_regex, {"MyName", "my.name", "123-abc"});
}

}  // namespace

Problems dns1123_label_problems(std::string_view value) {
  Problems out;
  if (value.size() > 63) out.push_back(too_long(63));
  if (!is_label(value)) {
    out.push_back(
        regex_problem("a lowercase RFC 1123 label must consist of lower case alphanumeric "
                      "characters or '-', and must start and end with an alphanumeric character",
                      label_regex, {"my-name", "123-abc"}));
  }
  return out;
}

Problems dns1123_subdomain_problems(std::string_view value) {
  Problems out;
  if (value.size() > 253) out.push_back(too_long(253));
  if (!is_subdomain(value)) {
    out.push_back(regex_problem(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
        "or '.', and must start and end with an alphanumeric character",
        str(label_regex, "(\\.", label_regex, ")*"), {"example.com"}));
  }
  return out;
}

Problems dns1035_label_problems(std::string_view value) {
  Problems out;
  if (value.size() > 63) out.push_back(too_long(63));
  if (!is_label(value) || !is_lower(value.front())) {
    out.push_back(regex_problem(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
        "an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return out;
}

Problems qualified_name_problems(std::string_view value) {
  Problems out;
  auto parts = split(value, '/');
  if (parts.size() > 2) {
    return {str("a qualified name ", qualified_problem(),
                " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")};
  }
  std::string_view name = parts.empty() ? std::string_view() : parts.back();
  if (parts.size() == 2) {
    if (parts[0].empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      for (const auto& problem : dns1123_subdomain_problems(parts[0])) {
        out.push_back("prefix part " + problem);
      }
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else if (name.size() > 63) {
    out.push_back("name part " + too_long(63));
  }
  if (!is_qualified(name)) out.push_back("name part " + qualified_problem());
  return out;
}

Problems label_value_problems(std::string_view value) {
  Problems out;
  if (value.size() > 63) out.push_back(too_long(63));
  if (!value.empty() && !is_qualified(value)) {
    out.push_back(regex_problem(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character",
        str("(", qualified_regex, ")?"), {"MyValue", "my_value", "12345"}));
  }
  return out;
}

Problems env_name_problems(std::string_view value) {
  auto inner = [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; };
  if (!value.empty() && !is_digit(value.front()) &&
      std::all_of(value.begin(), value.end(), inner)) {
    return {};
  }
  return {
      regex_problem("a valid environment variable name must consist of alphabetic characters, "
                    "digits, '_', '-', or '.', and must not start with a digit",
                    "[-._a-zA-Z][-._a-zA-Z0-9]*", {"my.env-name", "MY_ENV.NAME", "MyEnvName1"})};
}

Problems config_key_problems(std::string_view value) {
  Problems out;
  if (value.size() > 253) out.push_back(too_long(253));
  auto inner = [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; };
  if (value.empty() || !std::all_of(value.begin(), value.end(), inner)) {
    out.push_back(
        regex_problem("a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                      "[-._a-zA-Z0-9]+", {"key.name", "KEY_NAME", "key-name"}));
  } else if (value == "." || value.starts_with("..")) {
    out.push_back(value == "." ? "must not be '.'"
                               : (value == ".." ? "must not be '..'" : "must not start with '..'"));
  }
  return out;
}

Problems port_name_problems(std::string_view value) {
  Problems out;
  if (value.size() > 15) out.push_back(too_long(15));
  auto inner = [](char c) { return is_lower_alnum(c) || c == '-'; };
  if (value.empty() || !std::all_of(value.begin(), value.end(), inner)) {
    out.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (std::none_of(value.begin(), value.end(), is_lower)) {
    out.emplace_back("must contain at least one letter (a-z)");
  }
  if (value.find("--") != std::string_view::npos) {
    out.emplace_back("must not contain consecutive hyphens");
  }
  if (value.starts_with('-') || value.ends_with('-')) {
    out.emplace_back("must not begin or end with a hyphen");
  }
  return out;
}

Problems port_number_problems(int64_t port) {
  if (port >= 1 && port <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

bool is_ipv6(std::string_view value) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(value).c_str(), &address) == 1;
}

Problems ip_problems(std::string_view value) {
  if (Ipv4::parse(value).ok() || is_ipv6(value)) return {};
  return {"must be a valid IP address, (e.g. 10.9.8.7)"};
}

bool has_parent_step(std::string_view path) {
  auto steps = split(path, '/');
  return std::find(steps.begin(), steps.end(), "..") != steps.end();
}

}  // namespace hoplab::api
