#include "runtime/image/reference.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/image/digest.h"

namespace hoplab::image {

namespace {

constexpr size_t name_limit = 255;  // distribution: NameTotalLengthMax
constexpr size_t tag_limit = 128;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_word(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Words of lower-case letters and digits, joined by ".", "_", "__" or dashes.
bool is_component(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_lower_or_digit(text[i])) continue;
    size_t end = text.find_first_not_of(text[i], i);
    if (text[i] == '.' ? end - i > 1 : text[i] == '_' ? end - i > 2 : text[i] != '-') return false;
    if (!is_lower_or_digit(text[end])) return false;
    i = end;
  }
  return true;
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= tag_limit && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_registry(std::string_view text) {
  return text == "localhost" || text.find_first_of(".:") != std::string_view::npos ||
         to_lower(text) != text;
}

bool is_host_and_port(std::string_view text) {
  size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  bool good_port = colon == std::string_view::npos ||
                   (colon + 1 < text.size() &&
                    text.find_first_not_of("0123456789", colon + 1) == std::string_view::npos);
  return good_port && !host.empty() && host.front() != '-' && host.back() != '-' &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return (is_word(c) && c != '_') || c == '.' || c == '-'; });
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorCode::invalid,
                 str("invalid reference format: \"", text.substr(0, 300), "\": ", why));
  };
  Reference out;
  std::string_view rest = text;
  if (size_t at = rest.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(rest.substr(at + 1));
    if (!digest) return wrong(digest.error().message());
    out.digest = digest->text();
    rest = rest.substr(0, at);
  }
  size_t slash = rest.rfind('/');
  size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    out.tag = rest.substr(colon + 1);
    if (!is_tag(out.tag)) return wrong("a tag is 1 to 128 letters, digits, \"_\", \".\", \"-\"");
    rest = rest.substr(0, colon);
  } else if (out.digest.empty()) {
    out.tag = "latest";
  }
  std::string_view first = rest.substr(0, rest.find('/'));
  if (first.size() < rest.size() && is_registry(first)) {
    if (!is_host_and_port(first)) return wrong("the registry is no host name");
    out.registry = first;
    rest.remove_prefix(first.size() + 1);
  }
  if (rest.empty() || rest.size() > name_limit) return wrong("a name is 1 to 255 characters");
  if (to_lower(rest) != rest) return wrong("repository name must be lowercase");
  for (std::string_view part : split(rest, '/')) {
    if (!is_component(part)) return wrong(str("\"", part, "\" cannot be part of a name"));
  }
  out.repository = rest;
  if (out.registry == "index.docker.io") out.registry = "docker.io";
  if (out.registry == "docker.io" && rest.find('/') == std::string_view::npos) {
    out.repository = str("library/", rest);
  }
  return out;
}

std::string Reference::familiar_name() const {
  if (registry != "docker.io") return registry + "/" + repository;
  return repository.starts_with("library/") ? repository.substr(8) : repository;
}

std::string Reference::familiar() const {
  return familiar_name() + (tag.empty() ? "@" + digest : ":" + tag);
}

std::string Reference::full() const {
  return registry + "/" + repository + (tag.empty() ? "@" + digest : ":" + tag);
}

}  // namespace hoplab::image
