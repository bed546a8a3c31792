#include "runtime/proc/rootfs_layers.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/image/folder.h"
#include "runtime/image/unpack.h"
#include "runtime/proc/rootfs_mount.h"
#include "runtime/proc/rootfs_tree.h"

namespace hoplab::proc {

namespace {

Result<Fd> fresh_folder(const Fd& where, const char* name) {
  if (::mkdirat(where.get(), name, 0755) != 0) {
    return Error::from_errno(errno, str("making the folder ", name));
  }
  Fd folder(::openat(where.get(), name, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Error::from_errno(errno, str("opening the folder ", name));
  return folder;
}

std::string through(const Fd& fd) {
  return str("/proc/self/fd/", fd.get());
}

/// For lowerdir=, the top first, each directory once (overlayfs refuses a repeat with ELOOP): the
/// topmost. Whatever a layer has, hides or deletes, it does again at its upper place, so a lower
/// place of the same layer never shows: what lies between and changes a name of the layer is itself
/// overruled above, and names the layer does not have pass it by in both places.
std::vector<std::string> stack_of(const std::vector<std::string>& layers) {
  std::vector<std::string> out;
  for (auto it = layers.rbegin(); it != layers.rend(); ++it) {
    if (std::find(out.begin(), out.end(), *it) == out.end()) out.push_back(*it);
  }
  return out;
}

Result<void> write_inside(const Fd& root, const std::string& path, const std::string& text) {
  // Images have links here, say to /run/systemd: they are followed inside the root, and a link to
  // what cannot be made gives way.
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK;
  auto file = open_in_root(root, path, flags, 0644);
  if (!file && file.error().sys_errno() == ENOENT) {
    HOP_TRY(Fd folder, make_target(root, path.substr(0, path.rfind('/')), true));
    ::unlinkat(folder.get(), path.substr(path.rfind('/') + 1).c_str(), 0);
    file = open_in_root(root, path, flags, 0644);
  }
  if (!file) return std::move(file).error().context("in the container");
  return write_all(file->get(), text).context("writing " + path + " in the container");
}

}  // namespace

Result<Fd> mount_layers(const RootfsSpec& spec, const char* place) {
  HOP_TRY(Fd scratch, writable_filesystem(spec));
  HOP_TRY(Fd upper, fresh_folder(scratch, "upper"));
  HOP_TRY(Fd work, fresh_folder(scratch, "work"));
  std::vector<Fd> layers;
  std::string lower;
  // Short names: the kernel takes one page of options.
  const std::vector<std::string> stack = stack_of(spec.layers);
  for (const std::string& each : stack) {
    HOP_TRY(Fd layer, open_fd(each, O_PATH | O_DIRECTORY).context("a layer of the image"));
    lower += str(lower.empty() ? "" : ":", through(layer));
    layers.push_back(std::move(layer));
  }
  // overlayfs takes only what is mounted in our namespace; it keeps the file system afterwards.
  // Only now: the layers may lie below the place.
  HOP_TRY(Fd staging, open_fd(place, O_PATH | O_DIRECTORY));
  HOP_CHECK(attach(scratch, staging));
  std::string options =
      str("lowerdir=", lower, ",upperdir=", through(upper), ",workdir=", through(work),
          image::own_whiteouts() == image::Whiteouts::overlay_user ? ",userxattr" : "");
  if (options.size() >= static_cast<size_t>(::sysconf(_SC_PAGESIZE))) {
    return Error(ErrorCode::unsupported,
                 str("the image's ", stack.size(), " layers are too many for one overlay mount"));
  }
  if (::mount("overlay", place, "overlay", MS_NODEV, options.c_str()) != 0) {
    return Error::from_errno(errno,
                             str("mounting the image's ", stack.size(), " layers by overlayfs"));
  }
  auto root = clone_tree(place);
  for (int mounts = 0; mounts < 2; ++mounts) ::umount2(place, MNT_DETACH);
  return root;
}

Result<void> write_layer_files(const Fd& root, const RootfsSpec& spec) {
  HOP_CHECK(write_inside(root, "/etc/hostname", spec.hostname + "\n"));
  HOP_CHECK(write_inside(root, "/etc/hosts", hosts_text(spec)));
  HOP_CHECK(write_inside(root, "/etc/resolv.conf", spec.resolv_conf));
  // Fine when the image has one.
  (void)::symlink("/proc/mounts", "/etc/mtab");
  return {};
}

}  // namespace hoplab::proc
