#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace hoplab::proc {

/// Where things are inside a sandbox (ARCHITECTURE.md, "Where things are").
namespace inside {
inline constexpr const char* root = "/run/hoplab";
inline constexpr const char* tools = "/run/hoplab/bin";
inline constexpr const char* executable = "/run/hoplab/bin/hoplab";
inline constexpr const char* nodes = "/run/hoplab/nodes";
inline constexpr const char* netns = "/run/netns";
}  // namespace inside

/// Turns the mount namespace that sandbox-init was started in into the sandbox's: the computer's
/// root file system stays visible, nothing spreads out; own /proc, /sys and /run; our executable at
/// inside::executable with a link for each of `tools` beside it.
Result<void> prepare_sandbox_mounts(const std::string& executable,
                                    const std::vector<std::string>& tools, bool user_namespace);

/// A text that belongs to a host, below its /run/hoplab.
struct HostFile {
  std::string path;  ///< Relative: "etc/hosts".
  std::string text;
  unsigned mode = 0644;
};

/// Writes files below `folder`, making folders on the way.
Result<void> write_files(const std::string& folder, const std::vector<HostFile>& files);

/// Shows the network namespace behind `fd` as /run/netns/NAME, for `ip netns`. Replaces one that is
/// there.
Result<void> name_netns(int fd, const std::string& name);

}  // namespace hoplab::proc
