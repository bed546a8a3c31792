#pragma once

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::proc {

struct Terminal {
  Fd master;
  Fd slave;
};

/// A new pseudo terminal from the /dev/pts that this process sees (inside a container: its own).
/// rows or columns of 0 mean 24 x 80.
Result<Terminal> open_terminal(unsigned short rows, unsigned short columns);

/// Makes the terminal standard input, output and error and the controlling terminal of this
/// process, which must be a session leader.
Result<void> become_terminal_session(const Fd& slave);

}  // namespace hoplab::proc
