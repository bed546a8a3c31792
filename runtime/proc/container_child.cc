#include "runtime/proc/container_child.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <map>

#include "runtime/base/confined.h"
#include "runtime/base/text.h"
#include "runtime/proc/container_program.h"
#include "runtime/proc/pty.h"
#include "runtime/proc/rootfs_mount.h"

namespace hoplab::proc {

namespace {

constexpr int setup_failed = 128;

[[noreturn]] void give_up(int sync, int exit_code, std::string_view message) {
  std::string packet(1, static_cast<char>(exit_code));
  packet.append(message.substr(0, 8000));
  // If the parent is gone there is nobody to tell.
  [[maybe_unused]] ssize_t n = ::send(sync, packet.data(), packet.size(), MSG_NOSIGNAL);
  ::_exit(exit_code);
}

void require(const Result<void>& result, int sync) {
  if (!result) give_up(sync, setup_failed, result.error().message());
}

/// Nothing of node-init may be inherited: neither descriptors nor signal state. Descriptors that
/// are still needed move to low numbers first.
struct Kept {
  int sync;
  int input, output, error;
  int namespaces;
  std::vector<int> cgroups;
};

Kept keep_only(const ProgramPlan& plan, int namespaces, int sync) {
  std::vector<int> wanted{sync, namespaces, plan.input, plan.output, plan.error};
  wanted.insert(wanted.end(), plan.cgroup_join_files.begin(), plan.cgroup_join_files.end());
  // Above everything in use, then all below is closed: no number can collide.
  constexpr int high = 512;
  std::vector<int> moved;
  for (int fd : wanted) moved.push_back(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, high));
  ::close_range(3, high - 1, 0);
  int top = high;
  for (int fd : moved) top = std::max(top, fd + 1);
  // Gaps between moved ones: whatever was open there already is closed one by one.
  for (int fd = high; fd < top; ++fd) {
    if (std::find(moved.begin(), moved.end(), fd) == moved.end()) ::close(fd);
  }
  ::close_range(static_cast<unsigned>(top), ~0U, 0);
  return {moved[0], moved[2], moved[3], moved[4], moved[1], {moved.begin() + 5, moved.end()}};
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<void> join_cgroups(const std::vector<int>& files) {
  for (int fd : files) {
    if (fd >= 0) HOP_CHECK(write_all(fd, "0").context("joining the container's cgroup"));
    ::close(fd);
  }
  return {};
}

Result<void> start_session(const Kept& kept) {
  // While we prepare, a process of the container must not reach node-init's files through /proc.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::setsid();
  ::umask(022);
  reset_signals();
  return join_cgroups(kept.cgroups);
}

Result<void> send_terminal(int sync, const Fd& master) {
  char kind = 0;
  iovec data{&kind, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  int fd = master.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  if (::sendmsg(sync, &message, MSG_NOSIGNAL) < 0) {
    return Error::from_errno(errno, "handing over a terminal");
  }
  return {};
}

/// Inside the container's root: standard streams, owned by the user who will run.
Result<void> set_streams(const ProgramPlan& plan, const Kept& kept, bool console) {
  if (plan.tty) {
    HOP_TRY(Terminal terminal, open_terminal(plan.rows, plan.columns));
    HOP_CHECK(send_terminal(kept.sync, terminal.master));
    HOP_CHECK(become_terminal_session(terminal.slave));
    if (console) {
      // Docker shows the terminal as /dev/console too; nothing depends on it.
      std::array<char, PATH_MAX> name{};
      if (::ttyname_r(0, name.data(), name.size()) == 0 && write_file("/dev/console", "")) {
        (void)::mount(name.data(), "/dev/console", nullptr, MS_BIND, nullptr);
      }
    }
  } else {
    std::array<int, 3> streams{kept.input, kept.output, kept.error};
    for (int i = 0; i < 3; ++i) {
      Fd null;
      if (streams[static_cast<size_t>(i)] < 0) {
        HOP_TRY(null, open_fd("/dev/null", O_RDWR));
        streams[static_cast<size_t>(i)] = null.get();
      }
      if (::dup2(streams[static_cast<size_t>(i)], i) < 0) {
        return Error::from_errno(errno, "redirecting standard streams");
      }
    }
  }
  for (int i = 0; plan.credentials.user != 0 && i < 3; ++i) {
    struct stat info {};
    // So that /dev/stdout can be opened again; /dev/null stays root's.
    if (::fstat(i, &info) != 0 || major(info.st_rdev) == 1) continue;
    (void)::fchown(i, plan.credentials.user, static_cast<gid_t>(-1));
  }
  return {};
}

Result<void> drop_privileges(const Credentials& who) {
  HOP_CHECK(limit_bounding_set(who.capabilities));
  auto setgroups_allowed = read_file("/proc/self/setgroups");
  if (setgroups_allowed && trim(*setgroups_allowed) == "allow") {
    std::vector<gid_t> groups(who.supplemental_groups.begin(), who.supplemental_groups.end());
    if (::setgroups(groups.size(), groups.data()) != 0) {
      return Error::from_errno(errno, "setting supplemental groups");
    }
  }
  if (::setresgid(who.group, who.group, who.group) != 0) {
    return Error::from_errno(errno, str("changing to group ", who.group));
  }
  if (::setresuid(who.user, who.user, who.user) != 0) {
    return Error::from_errno(errno, str("changing to user ", who.user));
  }
  if (who.user == 0) HOP_CHECK(apply_capabilities(who.capabilities));
  if (who.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return Error::from_errno(errno, "setting no_new_privs");
  }
  return {};
}

/// Made when missing, as Docker does. No descriptor of ours is open now that could lead outside.
Result<void> enter_working_dir(const std::string& path) {
  for (size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES) {
      return Error::from_errno(errno, "making the working directory " + part);
    }
    if (at == std::string::npos) break;
  }
  if (::chdir(path.c_str()) != 0) return Error::from_errno(errno, "working directory " + path);
  std::array<char, PATH_MAX> where{};
  if (::getcwd(where.data(), where.size()) == nullptr || where[0] != '/') {
    return Error(ErrorCode::forbidden, "working directory " + path + " is outside the container");
  }
  return {};
}

/// A regular file of the container, or nothing: an image may have a fifo there.
std::string text_in_container(const char* path) {
  constexpr size_t limit = 4U << 20U;
  auto root = open_fd("/", O_PATH | O_DIRECTORY);
  if (!root) return {};
  auto file = open_file_in_root(*root, path);
  return file ? read_all(file->get(), limit).value_or("") : "";
}

/// Who runs, as the container's own files know it.
Result<ProgramPlan> with_user(ProgramPlan plan) {
  if (plan.user.empty()) return plan;
  HOP_TRY(ContainerUser found, choose_user(plan.user, text_in_container("/etc/passwd"),
                                           text_in_container("/etc/group")));
  Credentials& who = plan.credentials;
  who.user = found.user;
  who.group = found.group;
  for (uint32_t group : found.supplemental_groups) {
    // Nobody has asked for these: one that this user namespace lacks is no reason to fail.
    if (group_exists(group)) who.supplemental_groups.push_back(group);
  }
  bool has_home = std::any_of(plan.env.begin(), plan.env.end(),
                              [](const EnvVar& each) { return each.name == "HOME"; });
  if (!has_home) plan.env.push_back({"HOME", found.home});
  HOP_CHECK(check_ids_mapped(who));
  return plan;
}

[[noreturn]] void run_program(const ProgramPlan& plan, int sync) {
  // Only the three standard streams and the sync socket (close-on-exec) stay open.
  if (sync > 3) ::close_range(3, static_cast<unsigned>(sync) - 1, 0);
  ::close_range(static_cast<unsigned>(sync) + 1, ~0U, 0);
  require(enter_working_dir(plan.working_dir.empty() ? "/" : plan.working_dir), sync);
  require(drop_privileges(plan.credentials), sync);
  ProgramFailure failure = execute(plan.command, plan.env);
  give_up(sync, failure.exit_code, failure.message);
}

[[noreturn]] void run_as_planned(const ProgramPlan& plan, const Kept& kept, bool console) {
  auto complete = with_user(plan);
  if (!complete) give_up(kept.sync, setup_failed, complete.error().message());
  require(set_streams(*complete, kept, console), kept.sync);
  run_program(*complete, kept.sync);
}

}  // namespace

std::optional<StartFailure> parse_start_failure(std::string_view packet) {
  if (packet.empty()) return std::nullopt;
  int code = static_cast<unsigned char>(packet[0]);
  if (code < 126 || code > setup_failed) return std::nullopt;
  return StartFailure{code, std::string(packet.substr(1))};
}

void run_container_child(const ProgramPlan& plan, const RootfsSpec& root, int sandbox, int sync) {
  Kept kept = keep_only(plan, sandbox, sync);
  require(start_session(kept), kept.sync);
  // Shows the cgroup just joined as "/"; where the kernel has none, the real path stays visible.
  (void)::unshare(CLONE_NEWCGROUP);
  if (::setns(kept.namespaces, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
    give_up(kept.sync, setup_failed, Error::from_errno(errno, "joining the pod").message());
  }
  ::close(kept.namespaces);
  require(enter_private_root(root), kept.sync);
  run_as_planned(plan, kept, true);
}

void run_exec_child(const ProgramPlan& plan, int container, int sync) {
  Kept kept = keep_only(plan, container, sync);
  require(start_session(kept), kept.sync);
  constexpr int all = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
  if (::setns(kept.namespaces, all | CLONE_NEWCGROUP) != 0 && ::setns(kept.namespaces, all) != 0) {
    give_up(kept.sync, setup_failed, Error::from_errno(errno, "joining the container").message());
  }
  ::close(kept.namespaces);
  run_as_planned(plan, kept, false);
}

}  // namespace hoplab::proc
