#include "cmd/columns.h"

#include <algorithm>

namespace hoplab::cmd {

std::string render_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + 3, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string render_age(long seconds) {
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 120L * 60) return std::to_string(seconds / 60) + "m";
  if (seconds < 48L * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

}  // namespace hoplab::cmd
