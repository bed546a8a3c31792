#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab {

/// What a program could leave behind on a machine, as text lines that can be compared: links,
/// addresses, routes and policy rules of IPv4 and IPv6, nftables and iptables of every family (root
/// only), network sysctls, mounts, our cgroups and processes. Of the namespaces it is read in.
/// Takes some ten milliseconds and writes nothing.
struct Footprint {
  std::set<std::string> lines;
  bool operator==(const Footprint&) const = default;
};

/// Reads the caller's own namespaces. Processes: only those whose executable is `executable`, so
/// that the rest of a busy machine does not count.
Result<Footprint> read_footprint(const std::string& executable);

/// Lines that are only in one of them, with "+ " or "- " in front. A sysctl that did not exist
/// before is no difference: it came with a module of the kernel.
std::vector<std::string> compare(const Footprint& before, const Footprint& after);

}  // namespace hoplab
