#pragma once

#include <string>
#include <vector>

namespace hoplab::cmd {

/// Rows of text in aligned columns, three spaces apart as kubectl prints; the first row is the
/// heading.
std::string render_columns(const std::vector<std::vector<std::string>>& rows);

/// "12s", "5m", "3h", "2d", as kubectl shows ages.
std::string render_age(long seconds);

}  // namespace hoplab::cmd
