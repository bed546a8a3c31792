#include "runtime/proc/rootfs.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/proc/rootfs_layers.h"
#include "runtime/proc/rootfs_mount.h"
#include "runtime/proc/rootfs_tree.h"

namespace hoplab::proc {

namespace {

/// Any directory that exists everywhere: the new root is mounted on it for a moment, inside our
/// own mount namespace.
constexpr const char* staging = "/tmp";

struct PendingMount {
  Fd tree;
  std::string target;
  bool directory = true;
};

Result<Fd> open_confined(const Fd& root, const std::string& path) {
  return open_in_root(root, path, O_PATH).context("in the container");
}

Result<bool> is_directory(const Fd& fd) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Error::from_errno(errno, "looking at a mount");
  return S_ISDIR(info.st_mode);
}

Result<PendingMount> pick_up(const std::string& source, std::string target, uint64_t attributes,
                             bool no_links = false) {
  HOP_TRY(Fd tree, no_links ? clone_tree_without_links(source) : clone_tree(source));
  HOP_CHECK(set_attributes(tree, attributes, true).context(source));
  HOP_TRY(bool directory, is_directory(tree));
  return PendingMount{std::move(tree), std::move(target), directory};
}

/// Empty files take memory too, though no bytes.
constexpr const char* most_files = "262144";

size_t depth(const std::string& path) {
  return static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
}

/// What has to be made in the container; below /usr that takes room.
std::vector<std::string> targets_of(const RootfsSpec& spec) {
  std::vector<std::string> targets;
  for (const ImageFile& file : spec.files) targets.push_back(file.path);
  for (const Mount& mount : spec.mounts) targets.push_back(mount.target);
  return targets;
}

/// The machine's programs, libraries and the few files of /etc they need.
Result<void> pick_up_machine(RootfsSpec& spec, std::vector<PendingMount>& out) {
  constexpr uint64_t read_only = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV;
  for (const char* path : system_directories) {
    struct stat info {};
    if (::lstat(path, &info) != 0) continue;
    if (S_ISLNK(info.st_mode)) {
      std::array<char, PATH_MAX> target;
      ssize_t length = ::readlink(path, target.data(), target.size());
      if (length > 0) {
        spec.system_links.emplace_back(path,
                                       std::string(target.data(), static_cast<size_t>(length)));
      }
      continue;
    }
    bool whole = std::string_view(path) != "/usr" || !spec.usr.needed();
    HOP_TRY(PendingMount mount, pick_up(path, whole ? path : machine_usr, read_only));
    out.push_back(std::move(mount));
  }
  for (const std::string& path : spec.usr.binds) {
    HOP_TRY(PendingMount mount, pick_up(path, path, read_only));
    out.push_back(std::move(mount));
  }
  for (const char* path : shared_etc) {
    if (::access(path, F_OK) != 0) continue;
    HOP_TRY(PendingMount mount, pick_up(path, path, read_only));
    out.push_back(std::move(mount));
  }
  return {};
}

Result<void> pick_up_devices(bool privileged, std::vector<PendingMount>& out) {
  if (privileged) {
    // Read-only keeps nodes from being made or removed; using them is not affected.
    HOP_TRY(PendingMount all, pick_up("/dev", "/dev", MOUNT_ATTR_RDONLY));
    out.push_back(std::move(all));
  } else {
    HOP_TRY(Fd dev, new_filesystem("tmpfs", {{"mode", "755"}, {"size", "64k"}}, MOUNT_ATTR_NOEXEC));
    out.push_back({std::move(dev), "/dev", true});
    for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
      HOP_TRY(PendingMount node, pick_up(str("/dev/", name), str("/dev/", name), 0));
      out.push_back(std::move(node));
    }
  }
  constexpr uint64_t quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  auto pts = new_filesystem("devpts", {{"mode", "620"}, {"ptmxmode", "666"}, {"gid", "5"}}, quiet);
  // Group 5 (tty) is not there under a map of a single id.
  if (!pts) pts = new_filesystem("devpts", {{"mode", "620"}, {"ptmxmode", "666"}}, quiet);
  if (!pts) return pts.error();
  out.push_back({*std::move(pts), "/dev/pts", true});
  HOP_TRY(Fd shm,
          new_filesystem("tmpfs", {{"mode", "1777"}, {"size", "64m"}}, quiet | MOUNT_ATTR_NODEV));
  out.push_back({std::move(shm), "/dev/shm", true});
  auto mqueue = new_filesystem("mqueue", {}, quiet | MOUNT_ATTR_NODEV);
  // A /dev of the machine that has no place for it cannot get one.
  if (mqueue && (!privileged || ::access("/dev/mqueue", F_OK) == 0))
    out.push_back({*std::move(mqueue), "/dev/mqueue", true});
  return {};
}

Result<void> pick_up_kernel_views(bool privileged, std::vector<PendingMount>& out) {
  constexpr uint64_t quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  HOP_TRY(Fd proc, new_filesystem("proc", {}, quiet));
  out.push_back({std::move(proc), "/proc", true});
  uint64_t sys_attributes = quiet | (privileged ? 0 : MOUNT_ATTR_RDONLY);
  auto sys = new_filesystem("sysfs", {}, sys_attributes);
  // With hostNetwork in a user namespace that does not own the network: the host's own view.
  if (!sys) sys = clone_tree("/sys");
  if (!sys) return sys.error();
  HOP_CHECK(set_attributes(*sys, sys_attributes, true));
  out.push_back({*std::move(sys), "/sys", true});
  return {};
}

Result<void> pick_up_volumes(const RootfsSpec& spec, std::vector<PendingMount>& out) {
  std::vector<Mount> mounts = spec.mounts;
  std::stable_sort(mounts.begin(), mounts.end(), [](const Mount& a, const Mount& b) {
    return depth(a.target) < depth(b.target);
  });
  for (const Mount& mount : mounts) {
    uint64_t attributes =
        (mount.read_only ? MOUNT_ATTR_RDONLY : 0) | (spec.privileged ? 0 : MOUNT_ATTR_NODEV);
    HOP_TRY(PendingMount pending, pick_up(mount.source, mount.target, attributes, mount.no_links));
    out.push_back(std::move(pending));
  }
  return {};
}

Result<void> pivot_into(const Fd& root) {
  HOP_TRY(Fd place, open_fd(staging, O_PATH | O_DIRECTORY));
  HOP_CHECK(attach(root, place));
  if (::fchdir(root.get()) != 0) return Error::from_errno(errno, "entering the new root");
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return Error::from_errno(errno, "pivot_root");
  if (::umount2(".", MNT_DETACH) != 0) return Error::from_errno(errno, "leaving the old root");
  if (::chdir("/") != 0) return Error::from_errno(errno, "entering the new root");
  return {};
}

Result<void> attach_all(const Fd& root, const std::vector<PendingMount>& mounts) {
  for (const PendingMount& mount : mounts) {
    HOP_TRY(Fd target, make_target(root, mount.target, mount.directory));
    HOP_CHECK(attach(mount.tree, target).context("mounting on " + mount.target));
  }
  return {};
}

/// Docker's masked and read-only paths below /proc and /sys; missing ones are fine.
Result<void> restrict_kernel_views(const Fd& root) {
  for (const char* path : masked_paths) {
    auto target = open_confined(root, path);
    if (!target) continue;
    HOP_TRY(bool directory, is_directory(*target));
    auto cover = directory ? new_filesystem("tmpfs", {{"size", "4k"}}, MOUNT_ATTR_RDONLY)
                           : clone_tree("/dev/null");
    if (!cover) return std::move(cover).error().context(str("masking ", path));
    HOP_CHECK(attach(*cover, *target).context(str("masking ", path)));
  }
  for (const char* path : read_only_paths) {
    if (::access(path, F_OK) != 0) continue;
    HOP_TRY(Fd tree, clone_tree(path));
    HOP_CHECK(set_attributes(tree, MOUNT_ATTR_RDONLY, true).context(path));
    HOP_TRY(Fd target, open_confined(root, path));
    HOP_CHECK(attach(tree, target).context(str("making ", path, " read-only")));
  }
  return {};
}

}  // namespace

Result<Fd> writable_filesystem(const RootfsSpec& spec) {
  return new_filesystem(
      "tmpfs",
      {{"mode", "755"}, {"size", std::to_string(spec.writable_bytes)}, {"nr_inodes", most_files}},
      MOUNT_ATTR_NODEV);
}

Result<Fd> make_target(const Fd& root, std::string_view path, bool directory) {
  std::vector<std::string_view> parts;
  for (std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  std::string walked = ".";
  HOP_TRY(Fd at, open_confined(root, walked));
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string name(parts[i]);
    walked += "/" + name;
    auto next = open_confined(root, walked);
    if (!next && next.error().sys_errno() == ENOENT) {
      bool make_file = i + 1 == parts.size() && !directory;
      Fd file(make_file
                  ? ::openat(at.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)
                  : -1);
      if (make_file ? !file.valid() : ::mkdirat(at.get(), name.c_str(), 0755) != 0) {
        return Error::from_errno(errno, str("making ", path, " in the container"));
      }
      next = open_confined(root, walked);
    }
    if (!next) return std::move(next).error().context(str("mount target ", path));
    at = *std::move(next);
  }
  HOP_TRY(bool found_directory, is_directory(at));
  if (found_directory != directory) {
    return Error(ErrorCode::invalid,
                 str("mount target ", path, " is ", found_directory ? "a directory" : "a file",
                     ", its source is ", directory ? "a directory" : "a file"));
  }
  return at;
}

namespace {

/// The machine's own programs as a container's root: a tmpfs with everything mounted in it.
Result<Fd> machine_root(RootfsSpec& spec, std::vector<PendingMount>& mounts) {
  spec.usr = plan_usr(targets_of(spec), list_directory);
  if (spec.usr.needed()) {
    // Our own programs' directory is a mount inside /usr too.
    auto targets = targets_of(spec);
    targets.emplace_back(local_programs);
    spec.usr = plan_usr(targets, list_directory);
  }
  HOP_CHECK(pick_up_machine(spec, mounts));
  HOP_TRY(Fd local, new_filesystem("tmpfs", {{"mode", "755"}, {"size", "64k"}}, MOUNT_ATTR_NODEV));
  mounts.push_back({std::move(local), local_programs, true});
  HOP_TRY(PendingMount self, pick_up(spec.executable, str(local_programs, "/hoplab"),
                                     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV));
  mounts.push_back(std::move(self));
  if (!spec.pause_program.empty()) {
    HOP_TRY(PendingMount pause,
            pick_up(spec.pause_program, "/pause", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV));
    mounts.push_back(std::move(pause));
  }
  return writable_filesystem(spec);
}

}  // namespace

Result<void> enter_private_root(RootfsSpec spec) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Error::from_errno(errno, "making mounts private");
  }
  bool layered = !spec.layers.empty();
  std::vector<PendingMount> mounts;
  HOP_TRY(Fd root, layered ? mount_layers(spec, staging) : machine_root(spec, mounts));
  HOP_CHECK(pick_up_devices(spec.privileged, mounts));
  HOP_CHECK(pick_up_kernel_views(spec.privileged, mounts));
  std::vector<PendingMount> volumes;
  HOP_CHECK(pick_up_volumes(spec, volumes));

  HOP_CHECK(pivot_into(root));
  HOP_CHECK(layered ? write_layer_files(root, spec) : make_tree(spec));
  HOP_CHECK(attach_all(root, mounts));
  HOP_CHECK(make_links(spec));
  for (const ImageFile& file : spec.files) {
    HOP_TRY(Fd target, make_target(root, file.path, false));
    HOP_CHECK(write_file(file.path, file.text));
  }
  if (!spec.privileged) HOP_CHECK(restrict_kernel_views(root));
  HOP_CHECK(attach_all(root, volumes));
  if (spec.read_only) HOP_CHECK(set_attributes(root, MOUNT_ATTR_RDONLY, false));
  return {};
}

}  // namespace hoplab::proc
