#pragma once

#include <string_view>

namespace hoplab::cmd {

/// Changes what `ps` shows as this process's command line, in the way of nginx and PostgreSQL: the
/// text takes the place of the arguments and, where it is longer, of the environment (which is
/// copied away first). What does not fit is cut. Call before threads start.
void set_process_title(std::string_view title);

}  // namespace hoplab::cmd
