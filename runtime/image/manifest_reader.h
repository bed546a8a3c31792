#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

/// Reads fields of untrusted JSON, remembering the first one that is wrong. Private to
/// manifest*.cc.
namespace hoplab::image {

class FieldReader {
 public:
  /// Which document is read, for errors: "manifest.json".
  explicit FieldReader(std::string document) : document_(std::move(document)) {}

  /// A member that may be missing or null.
  std::string text(const Json& object, std::string_view key, std::string_view path);
  uint64_t number(const Json& object, std::string_view key, std::string_view path);
  std::vector<std::string> texts(const Json& object, std::string_view key, std::string_view path);
  std::map<std::string, std::string> text_map(const Json& object, std::string_view key,
                                              std::string_view path);
  /// The keys of an object of empty objects (ExposedPorts, Volumes).
  std::vector<std::string> keys(const Json& object, std::string_view key, std::string_view path);
  /// The list, at most `limit` long, or an empty one.
  const Json& list(const Json& object, std::string_view key, std::string_view path, size_t limit);
  void fail(std::string_view path, std::string_view why);

  [[nodiscard]] Result<void> result() const;

 private:
  std::string document_;
  std::string error_;
};

}  // namespace hoplab::image
