#include "cmd/docker_change.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::docker {

namespace {

Error wrong(std::string_view instruction, std::string_view why) {
  return Error(ErrorCode::invalid, str("--change \"", instruction, "\": ", why));
}

/// `["a", "b"]` is the command itself; anything else goes to a shell.
Result<std::vector<std::string>> command_of(std::string_view text, std::string_view instruction) {
  if (!text.starts_with('[')) {
    return std::vector<std::string>{"/bin/sh", "-c", std::string(text)};
  }
  auto json = parse_json(text);
  if (!json) return wrong(instruction, json.error().message());
  std::vector<std::string> out;
  for (const Json& each : *json) {
    if (!each.is_string()) return wrong(instruction, "expected a list of strings");
    out.push_back(each.get<std::string>());
  }
  return out;
}

/// Words, where double or single quotes hold spaces together and a backslash takes the next
/// character as it is.
Result<std::vector<std::string>> quoted_words(std::string_view text, std::string_view instruction) {
  std::vector<std::string> out;
  std::string word;
  char quote = 0;
  bool any = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      any = true;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      any = true;
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (any) out.push_back(std::move(word));
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (quote != 0) return wrong(instruction, "a quote is not closed");
  if (any) out.push_back(std::move(word));
  return out;
}

/// `ENV a=1 b="2 3"` or the old `ENV a the rest`.
Result<std::vector<std::pair<std::string, std::string>>> pairs_of(std::string_view text,
                                                                  std::string_view instruction) {
  std::string_view first = text.substr(0, text.find_first_of(" \t"));
  std::vector<std::pair<std::string, std::string>> out;
  if (first.find('=') == std::string_view::npos) {
    std::string_view rest = trim(text.substr(first.size()));
    if (rest.empty()) return wrong(instruction, "must have two arguments");
    out.emplace_back(first, rest);
    return out;
  }
  HOP_TRY(std::vector<std::string> all, quoted_words(text, instruction));
  for (const std::string& each : all) {
    size_t equals = each.find('=');
    if (equals == std::string::npos || equals == 0) {
      return wrong(instruction, str("\"", each, "\" has not the form name=value"));
    }
    out.emplace_back(each.substr(0, equals), each.substr(equals + 1));
  }
  return out;
}

void set_env(std::vector<std::string>& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const std::string& each) { return each.starts_with(name + "="); });
  env.push_back(name + "=" + value);
}

}  // namespace

Result<void> apply_change(image::ImageConfig& config, std::string_view instruction) {
  std::string_view text = trim(instruction);
  std::string verb = to_lower(text.substr(0, text.find_first_of(" \t")));
  std::string_view rest = trim(text.substr(verb.size()));
  if (rest.empty()) return wrong(instruction, "needs an argument");
  if (verb == "cmd") {
    HOP_TRY(config.cmd, command_of(rest, instruction));
  } else if (verb == "entrypoint") {
    HOP_TRY(config.entrypoint, command_of(rest, instruction));
  } else if (verb == "env") {
    HOP_TRY(auto pairs, pairs_of(rest, instruction));
    for (const auto& [name, value] : pairs) set_env(config.env, name, value);
  } else if (verb == "label") {
    HOP_TRY(auto pairs, pairs_of(rest, instruction));
    for (const auto& [name, value] : pairs) config.labels[name] = value;
  } else if (verb == "expose" || verb == "volume") {
    for (std::string_view each : words(rest)) {
      auto& list = verb == "expose" ? config.exposed_ports : config.volumes;
      std::string value(each);
      if (verb == "expose" && value.find('/') == std::string::npos) value += "/tcp";
      if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
    }
  } else if (verb == "user") {
    config.user = rest;
  } else if (verb == "workdir") {
    config.working_dir = rest;
  } else if (verb == "stopsignal") {
    config.stop_signal = rest;
  } else {
    return wrong(instruction, "is no instruction that changes an image's config");
  }
  return {};
}

}  // namespace hoplab::cmd::docker
