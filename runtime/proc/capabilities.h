#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab::proc {

/// A set of Linux capabilities; bit N is capability N (capability.h's numbers).
using CapabilitySet = uint64_t;

/// What Docker gives a container that asks for nothing: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL,
/// SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
CapabilitySet default_capabilities();
/// Everything this kernel knows.
CapabilitySet all_capabilities();

/// "NET_ADMIN", "CAP_NET_ADMIN", in any case, or "ALL". The error names the word.
Result<CapabilitySet> parse_capability(std::string_view name);
/// "NET_ADMIN" for 12.
std::string capability_name(unsigned number);

/// Docker's order: start from the default set (everything when privileged), "ALL" first, then the
/// single names; a name in both lists is dropped.
Result<CapabilitySet> container_capabilities(bool privileged, const std::vector<std::string>& add,
                                             const std::vector<std::string>& drop);

/// Drops everything outside `wanted` from the bounding set. Cannot be taken back.
Result<void> limit_bounding_set(CapabilitySet wanted);
/// Makes `wanted` (as far as this process has it) the effective and permitted set and empties the
/// inheritable and ambient ones.
Result<void> apply_capabilities(CapabilitySet wanted);
/// What this process may give: its permitted set.
Result<CapabilitySet> permitted_capabilities();

}  // namespace hoplab::proc
