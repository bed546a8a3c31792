#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

/// Thin wrappers of the kernel's mount calls on descriptors (Linux 5.2 to 5.12). Private to
/// rootfs_*.cc and node_init_*.cc.
namespace hoplab::proc {

/// A detached copy of what is mounted at `path`, with everything below it.
Result<Fd> clone_tree(const std::string& path);
/// The same, unless a symbolic link lies anywhere on the way: a container that shares the volume
/// could have put one there to reach what belongs to the node.
Result<Fd> clone_tree_without_links(const std::string& path);
/// Adds attributes (MOUNT_ATTR_RDONLY, …) to a detached tree; with `recursive` to all of it.
Result<void> set_attributes(const Fd& tree, uint64_t attributes, bool recursive);
/// A new file system of a type, with options, not attached anywhere.
Result<Fd> new_filesystem(const char* type,
                          std::initializer_list<std::pair<const char*, std::string>> options,
                          uint64_t attributes);
/// Attaches a detached tree on the object that `target` (O_PATH) stands for.
Result<void> attach(const Fd& tree, const Fd& target);

}  // namespace hoplab::proc
