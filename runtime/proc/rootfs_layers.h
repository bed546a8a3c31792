#pragma once

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/rootfs.h"

/// The root of a container from a loaded image. Private to rootfs*.cc.
namespace hoplab::proc {

/// The image's layers with a writable file system of the container's own on top, as a detached
/// mount. `place` is a directory to mount it on for a moment. With userxattr in a user namespace
/// (Linux 5.11).
Result<Fd> mount_layers(const RootfsSpec& spec, const char* place);
/// /etc/hosts, hostname and resolv.conf: the pod's, not the image's. In the new root, as the
/// current root directory.
Result<void> write_layer_files(const Fd& root, const RootfsSpec& spec);

}  // namespace hoplab::proc
