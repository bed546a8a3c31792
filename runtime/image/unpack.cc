#include "runtime/image/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "runtime/base/confined.h"
#include "runtime/base/directory.h"
#include "runtime/base/text.h"
#include "runtime/image/entry_path.h"

namespace hoplab::image {

namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view opaque_name = ".wh..wh..opq";

class Unpacker {
 public:
  Unpacker(TarReader& archive, const Fd& root, const UnpackOptions& options)
      : archive_(archive), root_(root), options_(options) {}

  Result<UnpackReport> run() {
    for (;;) {
      HOP_TRY(bool more, archive_.next());
      if (!more) break;
      if (++report_.entries > options_.limits.entries) {
        return Error(ErrorCode::too_large,
                     str("the archive has more than ", options_.limits.entries, " members"));
      }
      const TarEntry& entry = archive_.entry();
      HOP_TRY(EntryPath path, split_entry_path(entry.path));
      HOP_CHECK(add(entry, path).context(str("unpacking \"", entry.path, "\"")));
    }
    HOP_CHECK(finish_directories());
    write_notes();
    return std::move(report_);
  }

 private:
  Result<void> add(const TarEntry& entry, const EntryPath& path) {
    if (path.name.empty()) {  // "./": the root itself
      if (entry.kind == EntryKind::directory) directories_[""] = entry;
      return {};
    }
    HOP_TRY(Fd parent, open_parent(path.parent));
    if (options_.whiteouts != Whiteouts::none && path.name.starts_with(whiteout_prefix)) {
      return add_whiteout(parent, path);
    }
    if (entry.kind == EntryKind::hardlink) {
      HOP_TRY(bool done, is_linked(parent, entry, path.name));
      if (done) return {};
    }
    HOP_TRY(bool kept, make_room(parent, entry, path));
    switch (entry.kind) {
      case EntryKind::file:
        return add_file(parent, entry, path.name);
      case EntryKind::directory:
        return add_directory(parent, entry, path, kept);
      case EntryKind::symlink:
        return add_symlink(parent, entry, path.name);
      case EntryKind::hardlink:
        return add_hardlink(parent, entry, path.name);
      case EntryKind::fifo:
        return add_fifo(parent, entry, path.name);
      case EntryKind::device:
      case EntryKind::other:
        ++left_out_;
        return {};
    }
    return {};
  }

  /// The directory, made when an archive leaves it out. It may be behind symbolic links.
  Result<Fd> open_parent(const std::string& path) {
    constexpr int flags = O_PATH | O_DIRECTORY;
    auto found = open_in_root(root_, path, flags);
    if (found || path.empty()) return found;
    int why = found.error().sys_errno();
    if (why != ENOENT && why != ENOTDIR) return found;
    HOP_TRY(EntryPath up, split_entry_path(path));
    HOP_TRY(Fd parent, open_parent(up.parent));
    if (why == ENOTDIR && is_whiteout(parent, up.name)) {
      // What this layer puts below stands instead of all that the lower layers have there.
      ::unlinkat(parent.get(), up.name.c_str(), 0);
      opaque_.push_back(path);
    }
    if (::mkdirat(parent.get(), up.name.c_str(), 0755) == 0) {
      ::fchmodat(parent.get(), up.name.c_str(), 0755, 0);  // whatever the umask is
    } else if (errno != EEXIST) {
      return Error::from_errno(errno, "making the directory " + path);
    }
    return open_in_root(root_, path, flags);
  }

  /// Devices of archives are left out: a character device is a whiteout of ours.
  static bool is_whiteout(const Fd& parent, const std::string& name) {
    struct stat info {};
    return ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISCHR(info.st_mode);
  }

  /// Whether a hard link is there already: a member may name itself as its target.
  Result<bool> is_linked(const Fd& parent, const TarEntry& entry, const std::string& name) {
    HOP_TRY(EntryPath to, split_entry_path(entry.link).context("the target of the hard link"));
    auto to_parent = open_in_root(root_, to.parent, O_PATH | O_DIRECTORY);
    struct stat target {};
    struct stat present {};
    return to_parent &&
           ::fstatat(to_parent->get(), to.name.c_str(), &target, AT_SYMLINK_NOFOLLOW) == 0 &&
           ::fstatat(parent.get(), name.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0 &&
           target.st_dev == present.st_dev && target.st_ino == present.st_ino;
  }

  /// Removes what an earlier member left under the name; a directory stays for a directory (true).
  Result<bool> make_room(const Fd& parent, const TarEntry& entry, const EntryPath& path) {
    struct stat info {};
    if (::fstatat(parent.get(), path.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return false;
      return Error::from_errno(errno, "looking at it");
    }
    if (S_ISDIR(info.st_mode) && entry.kind == EntryKind::directory) return true;
    // This layer's own whiteout of the name: what comes now stands instead of the lower one.
    bool whiteout = S_ISCHR(info.st_mode);
    HOP_CHECK(remove_tree(parent, path.name));
    if (whiteout && entry.kind == EntryKind::directory) opaque_.push_back(path.full());
    return false;
  }

  Result<void> add_file(const Fd& parent, const TarEntry& entry, const std::string& name) {
    int fd = ::openat(parent.get(), name.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return Error::from_errno(errno, "making the file");
    Fd file(fd);
    if (entry.size > options_.limits.bytes - report_.bytes) {
      return Error(ErrorCode::too_large,
                   str("the archive holds more than ", options_.limits.bytes, " bytes"));
    }
    HOP_TRY(uint64_t written,
            archive_.write_content(file.get(), options_.limits.bytes - report_.bytes));
    report_.bytes += std::max(written, entry.size);  // holes are filled when it is copied
    set_owner(entry, ::fchown(fd, owner(entry.uid), group(entry.gid)));
    // After chown, which takes the setuid bits and capabilities away.
    if (::fchmod(fd, entry.mode) != 0) return Error::from_errno(errno, "setting the mode");
    if (!entry.capability.empty() && ::fsetxattr(fd, "security.capability", entry.capability.data(),
                                                 entry.capability.size(), 0) != 0) {
      ++without_capability_;
    }
    std::array<timespec, 2> times = times_of(entry);
    ::futimens(fd, times.data());
    return {};
  }

  Result<void> add_directory(const Fd& parent, const TarEntry& entry, const EntryPath& path,
                             bool kept) {
    if (!kept && ::mkdirat(parent.get(), path.name.c_str(), 0755) != 0) {
      return Error::from_errno(errno, "making the directory");
    }
    // Mode and time come last: a directory may be read-only for its owner, too.
    directories_[path.full()] = entry;
    return {};
  }

  Result<void> add_symlink(const Fd& parent, const TarEntry& entry, const std::string& name) {
    if (::symlinkat(entry.link.c_str(), parent.get(), name.c_str()) != 0) {
      return Error::from_errno(errno, str("making the link to \"", entry.link, "\""));
    }
    set_owner_and_time(parent, entry, name);
    return {};
  }

  Result<void> add_hardlink(const Fd& parent, const TarEntry& entry, const std::string& name) {
    HOP_TRY(EntryPath to, split_entry_path(entry.link).context("the target of the hard link"));
    HOP_TRY(Fd target_parent, open_in_root(root_, to.parent, O_PATH | O_DIRECTORY)
                                  .context(str("hard link to \"", entry.link, "\"")));
    if (::linkat(target_parent.get(), to.name.c_str(), parent.get(), name.c_str(), 0) != 0) {
      return Error::from_errno(errno, str("hard link to \"", entry.link, "\""));
    }
    return {};
  }

  Result<void> add_fifo(const Fd& parent, const TarEntry& entry, const std::string& name) {
    if (::mkfifoat(parent.get(), name.c_str(), 0600) != 0) {
      return Error::from_errno(errno, "making the fifo");
    }
    set_owner_and_time(parent, entry, name);
    if (::fchmodat(parent.get(), name.c_str(), entry.mode, 0) != 0) {
      return Error::from_errno(errno, "setting the mode");
    }
    return {};
  }

  Result<void> add_whiteout(const Fd& parent, const EntryPath& path) {
    if (path.name == opaque_name) {
      opaque_.push_back(path.parent);
      return {};
    }
    std::string name = path.name.substr(whiteout_prefix.size());
    if (name.starts_with(whiteout_prefix)) return {};  // aufs's own notes (.wh..wh.plnk)
    if (name.empty() || name == "." || name == "..") {
      return Error(ErrorCode::invalid, "a whiteout of no name");
    }
    struct stat info {};
    if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      // A whiteout is about lower layers; what this layer has under the name stays.
      if (S_ISDIR(info.st_mode)) {
        opaque_.push_back(path.parent.empty() ? name : path.parent + "/" + name);
      }
      return {};
    }
    if (::mknodat(parent.get(), name.c_str(), S_IFCHR, 0) != 0) {
      return Error::from_errno(errno, "making the whiteout");
    }
    return {};
  }

  /// Deepest first, so that a read-only directory is complete before it becomes one.
  Result<void> finish_directories() {
    for (const std::string& path : opaque_) {
      auto directory = open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
      if (!directory) continue;  // a later member took its place
      const char* name = options_.whiteouts == Whiteouts::overlay_user ? "user.overlay.opaque"
                                                                       : "trusted.overlay.opaque";
      if (::fsetxattr(directory->get(), name, "y", 1, 0) != 0) {
        return Error::from_errno(errno, str("marking ", path, " as opaque"));
      }
    }
    for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
      const auto& [path, entry] = *it;
      auto directory = open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
      if (!directory) continue;  // a later member took its place
      set_owner(entry, ::fchown(directory->get(), owner(entry.uid), group(entry.gid)));
      if (::fchmod(directory->get(), entry.mode) != 0) {
        return Error::from_errno(errno, "setting the mode of " + path);
      }
      std::array<timespec, 2> times = times_of(entry);
      ::futimens(directory->get(), times.data());
    }
    return {};
  }

  static uid_t owner(int64_t id) { return static_cast<uid_t>(id); }
  static gid_t group(int64_t id) { return static_cast<gid_t>(id); }

  static std::array<timespec, 2> times_of(const TarEntry& entry) {
    return {timespec{0, UTIME_OMIT}, timespec{static_cast<time_t>(entry.mtime), 0}};
  }

  /// A user namespace may have no id for the owner, and an ordinary user may not give files away.
  void set_owner(const TarEntry& entry, int rc) {
    if (rc != 0) ++without_owner_[entry.uid];
  }

  void set_owner_and_time(const Fd& parent, const TarEntry& entry, const std::string& name) {
    set_owner(entry, ::fchownat(parent.get(), name.c_str(), owner(entry.uid), group(entry.gid),
                                AT_SYMLINK_NOFOLLOW));
    std::array<timespec, 2> times = times_of(entry);
    ::utimensat(parent.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
  }

  void write_notes() {
    if (left_out_ > 0) {
      report_.notes.push_back(str(left_out_, " device nodes or the like were left out"));
    }
    uint64_t files = 0;
    std::vector<std::string> users;
    for (const auto& [uid, count] : without_owner_) {
      files += count;
      if (users.size() < 5) users.push_back(std::to_string(uid));
    }
    if (files > 0) {
      report_.notes.push_back(str(files, " files belong to other users (", join(users, ", "),
                                  users.size() < without_owner_.size() ? ", …" : "",
                                  "); here they are yours"));
    }
    if (without_capability_ > 0) {
      report_.notes.push_back(str(without_capability_, " files lost their file capabilities"));
    }
  }

  TarReader& archive_;
  const Fd& root_;
  const UnpackOptions& options_;
  UnpackReport report_;
  std::map<std::string, TarEntry> directories_;
  std::vector<std::string> opaque_;
  uint64_t left_out_ = 0;
  uint64_t without_capability_ = 0;
  std::map<int64_t, uint64_t> without_owner_;
};

}  // namespace

Result<UnpackReport> unpack(TarReader& archive, const Fd& root, const UnpackOptions& options) {
  return Unpacker(archive, root, options).run();
}

}  // namespace hoplab::image
