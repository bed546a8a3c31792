#pragma once

#include <optional>
#include <string>

#include "runtime/agent/pod_record.h"

namespace hoplab::agent {

/// spec.securityContext.fsGroup.
std::optional<uint32_t> wanted_fs_group(const PodRecord& pod);

/// Gives a volume to the pod's fsGroup, as kubelet does: group ownership, group rights (only to
/// read when `read_only`), and set-group-id on folders. Without a group nothing changes.
/// Follows no link, not even one that a container puts there meanwhile.
Result<void> give_to_group(const std::string& folder, std::optional<uint32_t> group,
                           bool read_only);

/// Puts a tmpfs on the folder of an emptyDir of medium Memory, as large as its sizeLimit. Safe to
/// repeat.
Result<void> mount_memory(const std::string& folder, const Json& empty_dir);
/// Takes away what mount_memory() has put below the pod's folder.
void unmount_memory(const std::string& pod_folder);

}  // namespace hoplab::agent
