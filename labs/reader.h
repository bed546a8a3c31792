#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "runtime/base/text.h"

namespace hoplab::labs {

/// Mistakes of several files, all of them told at once: "02-veth/en.yaml:7: steps.cable: …".
class Mistakes {
 public:
  void add(std::string_view file, int line, std::string_view field, std::string_view what);
  [[nodiscard]] bool none() const { return lines_.empty(); }
  [[nodiscard]] Error to_error() const;

 private:
  std::vector<std::string> lines_;
};

/// A file that was read: its value, and the line of every field.
struct Source {
  std::string name;
  Json value;
  std::map<std::string, int, std::less<>> lines;
};

/// Reads one YAML document; a mistake of the syntax goes to `mistakes` and the value is null.
Source read_source(const std::string& name, std::string_view text, Mistakes& mistakes);

/// One mapping of a file, read strictly: each field is asked for once, by its type; what is wrong
/// or missing is noted and reads as empty; fields that nobody knows are noted at the start.
class Mapping {
 public:
  Mapping(const Source& source, const Json& value, std::string path, Mistakes& mistakes,
          const std::vector<std::string_view>& known);

  [[nodiscard]] bool has(std::string_view field) const { return !member(*value_, field).is_null(); }
  [[nodiscard]] const Json& get(std::string_view field) const { return member(*value_, field); }
  std::string text(std::string_view field, bool required = true) const;
  int number(std::string_view field, int least, int most, int fallback, bool required) const;
  bool flag(std::string_view field, bool fallback) const;
  std::vector<std::string> texts(std::string_view field, bool required) const;
  /// The items of a list, with their paths; a missing one is noted when required.
  std::vector<std::pair<const Json*, std::string>> list(std::string_view field,
                                                        bool required) const;
  /// Notes a mistake in a field (or, without a name, in the mapping).
  void refuse(std::string_view field, std::string_view what) const;
  [[nodiscard]] std::string path(std::string_view field) const;

 private:
  const Source* source_;
  const Json* value_;
  std::string path_;
  Mistakes* mistakes_;
};

/// The line of a field, or of the nearest one above it.
int line_of(const Source& source, std::string_view path);

}  // namespace hoplab::labs
