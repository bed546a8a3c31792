#include "runtime/proc/rootfs_layers.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/image/folder.h"
#include "runtime/image/unpack.h"
#include "runtime/proc/rootfs_mount.h"
#include "runtime/proc/rootfs_tree.h"

namespace hoplab::proc {

namespace {

Result<Fd> fresh_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0) return Error::from_errno(errno, "making " + path);
  return open_fd(path, O_PATH | O_DIRECTORY);
}

std::string through(const Fd& fd) {
  return str("/proc/self/fd/", fd.get());
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
  HOP_TRY(Fd upper, fresh_folder(spec.scratch + "/upper"));
  HOP_TRY(Fd work, fresh_folder(spec.scratch + "/work"));
  std::vector<Fd> layers;
  std::string lower;
  // Short names: the kernel takes one page of options, for up to 500 layers.
  for (auto it = spec.layers.rbegin(); it != spec.layers.rend(); ++it) {
    HOP_TRY(Fd layer, open_fd(*it, O_PATH | O_DIRECTORY).context("a layer of the image"));
    lower += str(lower.empty() ? "" : ":", through(layer));
    layers.push_back(std::move(layer));
  }
  std::string options =
      str("lowerdir=", lower, ",upperdir=", through(upper), ",workdir=", through(work),
          image::own_whiteouts() == image::Whiteouts::overlay_user ? ",userxattr" : "");
  if (::mount("overlay", place, "overlay", MS_NODEV, options.c_str()) != 0) {
    return Error::from_errno(
        errno, str("mounting the image's ", spec.layers.size(), " layers by overlayfs"));
  }
  auto root = clone_tree(place);
  ::umount2(place, MNT_DETACH);
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
