#pragma once

#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

/// mount(2) with errors that name the mount point. All calls act on the caller's mount namespace.
namespace hoplab::proc {

/// Nothing mounted from now on spreads to the namespaces we came from, nor the other way.
Result<void> make_mounts_private();

/// `options` as mount -o would pass them on, e.g. "mode=755,size=64m".
Result<void> mount_filesystem(const std::string& type, const std::string& target,
                              unsigned long flags = 0, const std::string& options = {});
/// Makes `target` show `source` (file or folder); with `recursive` what is mounted below too.
Result<void> bind_mount(const std::string& source, const std::string& target,
                        bool recursive = false);

/// A copy of a mount that is nowhere yet: survives that its path gets hidden. Recursive, because in
/// a user namespace parts may not be taken away.
Result<Fd> detach_copy(const std::string& path);
Result<void> attach_copy(const Fd& tree, const std::string& target);

/// A /sys that shows this network namespace's devices; the cgroup file systems stay where they are.
Result<void> mount_own_sysfs();

/// Makes what the fresh /proc offers of the whole computer read-only: /proc/sys but for net (which
/// is the namespace's own), and the SysRq trigger. For root without a user namespace: there the
/// kernel itself refuses nothing.
Result<void> protect_computer_settings();

}  // namespace hoplab::proc
