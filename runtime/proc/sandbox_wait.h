#pragma once

#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace hoplab::proc {

/// Waits until somebody accepts connections at the unix socket (SEQPACKET) `path`, whose folder
/// exists. `timed_out` otherwise. Sleeps on the folder's events, not on a clock.
Result<void> wait_for_listener(const std::string& path, Millis timeout);

}  // namespace hoplab::proc
