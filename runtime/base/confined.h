#pragma once

#include <string>
#include <string_view>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab {

/// Opens `path` as if `root` were "/": "..", absolute symbolic links and the like stay inside, and
/// the kernel's magic links (/proc/PID/root) are refused. `flags` as for open(2); close-on-exec is
/// added. For paths that somebody else wrote. openat2(2), RESOLVE_IN_ROOT; Linux 5.6.
Result<Fd> open_in_root(const Fd& root, std::string_view path, int flags, unsigned mode = 0);

/// Opens a regular file for reading in the same way; anything else (a fifo would make the open
/// wait) is `bad_request`.
Result<Fd> open_file_in_root(const Fd& root, std::string_view path);

}  // namespace hoplab
