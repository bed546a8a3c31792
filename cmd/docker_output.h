#pragma once

#include <functional>
#include <string>

#include "runtime/base/result.h"

namespace hoplab::cmd::docker {

/// Lets `write` fill the file `path` (`-o PATH`). A regular file, or one that is not there yet, is
/// written beside its place and moved there when it is complete (mode 0600, as docker has it): a
/// failure leaves what was there, and nothing else. What symbolic links lead to is replaced, not
/// the link. What is no regular file (a fifo, a device, our own standard output) is written
/// directly.
Result<void> write_output(const std::string& path,
                          const std::function<Result<void>(int fd)>& write);

}  // namespace hoplab::cmd::docker
