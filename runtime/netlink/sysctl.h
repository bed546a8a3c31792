#pragma once

#include <string>

#include "runtime/base/result.h"

namespace hoplab {

// Kernel parameters by key, "net/ipv4/ip_forward" (slashes: link names may have dots). Keys below
// net/ belong to a network namespace: which one is decided by the thread that opens the file, not
// by where /proc was mounted, so the calling thread enters `netns_fd` for the moment of the call.
// Keys with "..", an empty part or a leading slash are refused.

/// Without the newline at the end.
Result<std::string> read_sysctl(int netns_fd, const std::string& key);
Result<void> write_sysctl(int netns_fd, const std::string& key, const std::string& value);

/// The same in the calling thread's own namespace.
Result<std::string> read_sysctl_here(const std::string& key);
Result<void> write_sysctl_here(const std::string& key, const std::string& value);

}  // namespace hoplab
