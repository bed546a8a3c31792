#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"
#include "runtime/proc/image.h"
#include "runtime/proc/rootfs_usr.h"

namespace hoplab::proc {

/// What a container sees as its file system. Of a built-in image: the machine's programs and
/// libraries read-only, all else its own; where an image has files or a pod mounts in /usr, those
/// directories are, too. Of a loaded image (`layers`): its layers, by overlayfs. Never the
/// machine's /home, /root or /etc (single harmless files of /etc aside: rootfs_tree.cc lists them).
struct RootfsSpec {
  std::string os_name;        ///< For /etc/os-release: "alpine".
  std::string hostname;       ///< For /etc/hostname and the default /etc/hosts.
  std::string hosts;          ///< Text of /etc/hosts; empty = localhost and the hostname.
  std::string resolv_conf;    ///< Text of /etc/resolv.conf.
  bool privileged = false;    ///< The machine's devices, writable /sys and /proc/sys, no masks.
  bool read_only = false;     ///< Everything but /dev and the mounts.
  std::string executable;     ///< hoplab itself, as a path that can be opened here.
  std::string pause_program;  ///< Bound at /pause; empty for none.
  std::vector<std::string> programs;  ///< Links to the executable, see Image::programs.
  std::vector<ImageFile> files;       ///< The image's own files.
  std::vector<Mount> mounts;
  std::vector<std::string>
      layers;  ///< Directories, the base first; empty = the machine's programs.
  /// What the container may write outside its volumes. It lies in memory, in a file system of the
  /// container's own that the kernel frees with it; beyond this, writing fails with ENOSPC.
  uint64_t writable_bytes = 64U << 20U;
  /// Filled in by enter_private_root: {"/bin", "usr/bin"} on a merged /usr.
  std::vector<std::pair<std::string, std::string>> system_links;
  UsrLayout usr;  ///< Likewise.
};

/// Builds the root and makes it "/" of the calling process, which must be alone in a fresh mount
/// namespace, in the pid, network and ipc namespaces that /proc, /sys and /dev/mqueue shall show.
/// On failure the process is in no usable state and must exit.
///
/// How: sources are picked up as detached mounts (open_tree) before pivot_root and attached after
/// it, by paths that are resolved inside the new root without magic links. So nothing a pod writes
/// as a target, and no symbolic link in a volume, leads outside. Device nodes made by the
/// container do not work: every mount but /dev's own nodes is nodev. Needs Linux 5.12
/// (mount_setattr). Facts: kernel.md P1.
Result<void> enter_private_root(RootfsSpec spec);

/// An empty file system of `writable_bytes`, not mounted yet.
Result<Fd> writable_filesystem(const RootfsSpec& spec);

/// Opens `path` inside the directory `root` as O_PATH, with ".." and absolute links confined to
/// it and magic links refused; makes missing directories (and, with `directory` false, an empty
/// file at the end) first.
Result<Fd> make_target(const Fd& root, std::string_view path, bool directory);

}  // namespace hoplab::proc
