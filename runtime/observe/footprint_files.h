#pragma once

#include <string>
#include <vector>

namespace hoplab {

// Parts of a Footprint that are files; `root` is a parameter for tests.

/// "sysctl net/ipv4/ip_forward = 0" for every readable file below `root` (/proc/sys/net), but for
/// those whose values change without anybody setting them (see the table in the .cc file).
std::vector<std::string> sysctl_lines(const std::string& root);

/// "cgroup PATH" for every directory below `root` (/sys/fs/cgroup) with one of our names.
std::vector<std::string> cgroup_lines(const std::string& root);

}  // namespace hoplab
