#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Text in columns as Go's text/tabwriter lays it out, which is what kubectl prints through. Pure.
namespace hoplab::cmd::kubectl {

struct TabStyle {
  size_t min_width = 0;
  size_t padding = 2;
};

/// kubectl describe's style.
inline constexpr TabStyle describe_tabs{0, 2};
/// kubectl get's style.
inline constexpr TabStyle table_tabs{6, 3};

/// Lines whose cells end with a tab (the last one's text does not count). A column is a run of
/// neighbouring lines that have a cell there.
std::string align_tabs(std::string_view text, const TabStyle& style);

/// Rows that come one after another and keep the widths of those before, as in `get --watch`.
class RowPrinter {
 public:
  /// All rows at once: they decide the widths together.
  std::string print(const std::vector<std::vector<std::string>>& rows);

 private:
  std::vector<size_t> widths_;
};

/// Characters, not bytes.
size_t text_width(std::string_view text);

}  // namespace hoplab::cmd::kubectl
