#include "runtime/base/json.h"

namespace hoplab {

namespace {

constexpr int max_depth = 200;

const Json null_value;

/// Position of a byte in a text, for people: "line 3, column 7".
std::string position(std::string_view text, size_t byte) {
  byte = std::min(byte, text.size());
  size_t line = 1;
  size_t column = 1;
  for (char c : text.substr(0, byte)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// nlohmann's message without its "[json.exception.parse_error.101] " prefix.
std::string plain(std::string_view message) {
  auto close = message.find("] ");
  return std::string(close == std::string_view::npos ? message : message.substr(close + 2));
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  bool too_deep = false;
  auto watch_depth = [&too_deep](int depth, Json::parse_event_t event, Json&) {
    if (depth >= max_depth &&
        (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)) {
      too_deep = true;
      return false;
    }
    return true;
  };
  try {
    Json value = Json::parse(text, watch_depth);
    if (too_deep) {
      return Error(ErrorCode::bad_request,
                   "JSON nested deeper than " + std::to_string(max_depth) + " levels");
    }
    return value;
  } catch (const Json::parse_error& e) {
    return Error(ErrorCode::bad_request,
                 "JSON, " + position(text, e.byte > 0 ? e.byte - 1 : 0) + ": " + plain(e.what()));
  } catch (const Json::exception& e) {
    return Error(ErrorCode::bad_request, "JSON: " + plain(e.what()));
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_pretty(const Json& value) {
  return value.dump(4, ' ', false, Json::error_handler_t::replace);
}

const Json& member(const Json& object, std::string_view key) {
  if (!object.is_object()) return null_value;
  auto it = object.find(key);
  return it == object.end() ? null_value : *it;
}

const Json& at_path(const Json& object, std::string_view dotted_path) {
  const Json* at = &object;
  while (!dotted_path.empty()) {
    auto dot = dotted_path.find('.');
    at = &member(*at, dotted_path.substr(0, dot));
    if (dot == std::string_view::npos) break;
    dotted_path.remove_prefix(dot + 1);
  }
  return *at;
}

std::string string_or(const Json& object, std::string_view key, std::string_view fallback) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string(fallback);
}

int64_t int_or(const Json& object, std::string_view key, int64_t fallback) {
  const Json& value = member(object, key);
  return value.is_number_integer() ? value.get<int64_t>() : fallback;
}

bool bool_or(const Json& object, std::string_view key, bool fallback) {
  const Json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

}  // namespace hoplab
