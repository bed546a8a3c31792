#pragma once

#include <string>
#include <vector>

#include "cmd/kubectl_jsonpath.h"
#include "cmd/kubectl_tabs.h"
#include "runtime/base/json.h"

namespace hoplab::cmd::kubectl {

struct TableStyle {
  bool wide = false;
  bool headers = true;
  bool with_namespace = false;
  bool show_labels = false;
  bool show_events = false;                ///< EVENT in front, for --output-watch-events.
  std::vector<std::string> label_columns;  ///< -L
  std::string name_prefix;                 ///< "pod/" when several kinds are shown.
};

/// Prints the rows of server-made Tables. Headers come with the first rows; the widths are kept, so
/// that rows of a watch stand under each other. Not thread-safe.
class TablePrinter {
 public:
  explicit TablePrinter(TableStyle style) : style_(std::move(style)) {}
  /// `table` is a meta.k8s.io Table; without columnDefinitions those of the last one hold.
  std::string print(const Json& table, const std::string& event = "");

 private:
  [[nodiscard]] std::vector<std::string> header_row() const;
  [[nodiscard]] std::vector<std::string> cells_of(const Json& row, const std::string& event) const;

  TableStyle style_;
  Json columns_ = Json::array();
  RowPrinter rows_;
  bool headers_done_ = false;
};

/// Sorts a Table's rows by a field of their objects; numbers as numbers, texts naturally ("a2" <
/// "a10"). Fails when no row has it.
Result<void> sort_rows(Json& table, const JsonPath& path, const std::string& shown);
/// "a2" < "a10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace hoplab::cmd::kubectl
