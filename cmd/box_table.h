#pragma once

#include <string>
#include <vector>

namespace hoplab::cmd {

/// A table in a box of +, - and |, as Go's olekukonko/tablewriter prints it (calicoctl): headings
/// in upper case and centred; of the cells, those that are a number stand right. Pure.
std::string render_box(const std::vector<std::string>& headings,
                       const std::vector<std::vector<std::string>>& rows);

}  // namespace hoplab::cmd
