#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmd/kubectl_flags.h"
#include "cmd/kubectl_go_template.h"
#include "cmd/kubectl_jsonpath.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"
#include "store/api/kind.h"

namespace hoplab::cmd::kubectl {

/// What -o asks for, and how whole objects look in it. Pure.
class OutputFormat {
 public:
  enum class Form { table, wide, json, yaml, name, jsonpath, json_values, columns, go_template };
  /// "", "json", "jsonpath={.a}", "custom-columns=NAME:.metadata.name". Errors in kubectl's words.
  static Result<OutputFormat> parse(const std::string& text, bool no_headers);
  /// -o, --template and --no-headers. `tables`: "wide" and columns are allowed, as for `get`.
  static Result<OutputFormat> read(const Flags& flags, bool tables = false);

  /// Tables come from the server; everything else is printed from whole objects.
  [[nodiscard]] bool is_table() const { return form_ == Form::table || form_ == Form::wide; }
  [[nodiscard]] bool wide() const { return form_ == Form::wide; }
  [[nodiscard]] Form form() const { return form_; }
  /// One object, or a List. Only a go-template can fail.
  [[nodiscard]] Result<std::string> print(const Json& object) const;

 private:
  Result<void> set_template(const std::string& name, const std::string& argument);
  [[nodiscard]] std::string print_columns(const Json& object) const;
  [[nodiscard]] std::string print_values(const Json& object) const;

  Form form_ = Form::table;
  std::optional<JsonPath> path_;
  std::optional<GoTemplate> go_template_;
  std::vector<std::pair<std::string, JsonPath>> columns_;
  bool no_headers_ = false;
};

/// "pod/x", "deployment.apps/x" by apiVersion and kind.
std::string name_of_object(const Json& object);
/// A v1 List as kubectl makes it from what it has read.
Json make_list(Json::array_t items);
/// As Go's fmt prints a decoded value: "map[a:b]", "[x y]".
std::string go_text(const Json& value);

}  // namespace hoplab::cmd::kubectl
