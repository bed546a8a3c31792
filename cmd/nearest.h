#pragma once

#include <string_view>
#include <vector>

namespace hoplab::cmd {

/// How many letters must be put in, taken out or changed to make one of the other (Levenshtein).
size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate that `typed` was probably meant to be: at most two mistakes, and fewer than half
/// of its letters, or the start of a candidate. "" when there is none.
std::string_view nearest(std::string_view typed, const std::vector<std::string_view>& candidates);

}  // namespace hoplab::cmd
