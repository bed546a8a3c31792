#include "runtime/image/manifest_reader.h"

#include "runtime/base/text.h"

namespace hoplab::image {

namespace {

constexpr size_t most_entries = 10'000;

std::string join_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : str(path, ".", key);
}

}  // namespace

void FieldReader::fail(std::string_view path, std::string_view why) {
  if (error_.empty()) error_ = str(document_, ": ", path.empty() ? "document" : path, ": ", why);
}

Result<void> FieldReader::result() const {
  if (error_.empty()) return {};
  return Error(ErrorCode::bad_request, error_);
}

std::string FieldReader::text(const Json& object, std::string_view key, std::string_view path) {
  const Json& value = member(object, key);
  if (value.is_null()) return {};
  if (!value.is_string()) {
    fail(join_path(path, key), "expected a string");
    return {};
  }
  auto text = value.get<std::string>();
  if (text.find('\0') != std::string::npos) fail(join_path(path, key), "has a NUL byte");
  return text;
}

uint64_t FieldReader::number(const Json& object, std::string_view key, std::string_view path) {
  const Json& value = member(object, key);
  if (value.is_null()) return 0;
  if (value.is_number_unsigned()) return value.get<uint64_t>();
  fail(join_path(path, key), "expected a number of 0 or more");
  return 0;
}

const Json& FieldReader::list(const Json& object, std::string_view key, std::string_view path,
                              size_t limit) {
  static const Json none = Json::array();
  const Json& value = member(object, key);
  if (value.is_null()) return none;
  if (!value.is_array()) {
    fail(join_path(path, key), "expected a list");
    return none;
  }
  if (value.size() > limit) {
    fail(join_path(path, key), str("more than ", limit, " entries"));
    return none;
  }
  return value;
}

std::vector<std::string> FieldReader::texts(const Json& object, std::string_view key,
                                            std::string_view path) {
  std::vector<std::string> out;
  for (const Json& each : list(object, key, path, most_entries)) {
    if (!each.is_string()) {
      fail(join_path(path, key), "expected a list of strings");
      return {};
    }
    out.push_back(each.get<std::string>());
    if (out.back().find('\0') != std::string::npos) fail(join_path(path, key), "has a NUL byte");
  }
  return out;
}

std::map<std::string, std::string> FieldReader::text_map(const Json& object, std::string_view key,
                                                         std::string_view path) {
  std::map<std::string, std::string> out;
  const Json& value = member(object, key);
  if (value.is_null()) return out;
  if (!value.is_object() || value.size() > most_entries) {
    fail(join_path(path, key), "expected an object of strings");
    return out;
  }
  for (const auto& [name, each] : value.items()) {
    if (!each.is_string()) {
      fail(join_path(join_path(path, key), name), "expected a string");
      return {};
    }
    out[name] = each.get<std::string>();
  }
  return out;
}

std::vector<std::string> FieldReader::keys(const Json& object, std::string_view key,
                                           std::string_view path) {
  std::vector<std::string> out;
  const Json& value = member(object, key);
  if (value.is_null()) return out;
  if (!value.is_object() || value.size() > most_entries) {
    fail(join_path(path, key), "expected an object");
    return out;
  }
  for (const auto& [name, each] : value.items()) out.push_back(name);
  return out;
}

}  // namespace hoplab::image
