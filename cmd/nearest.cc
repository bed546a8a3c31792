#include "cmd/nearest.h"

#include <algorithm>
#include <utility>

namespace hoplab::cmd {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  size_t least = 3;
  for (std::string_view candidate : candidates) {
    const bool start = typed.size() > 1 && candidate.starts_with(typed);
    const size_t distance = start ? 0 : edit_distance(typed, candidate);
    if (distance < least && 2 * distance < candidate.size()) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace hoplab::cmd
