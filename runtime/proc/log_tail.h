#pragma once

#include <sys/types.h>

#include "runtime/base/result.h"

namespace hoplab::proc {

inline constexpr off_t most_log_bytes = 10 << 20;
inline constexpr off_t kept_log_bytes = 1 << 20;

/// Keeps a log that several processes write to (by descriptors with O_APPEND, so they go on at its
/// new end) from growing for ever: with more than `most` bytes only the last lines stay, `keep`
/// bytes of them, below a line that says so. What is written at that very moment may be lost. `fd`
/// must be open for reading, writing and appending; anything but a regular file is left alone.
Result<void> keep_log_tail(int fd, off_t most = most_log_bytes, off_t keep = kept_log_bytes);

}  // namespace hoplab::proc
