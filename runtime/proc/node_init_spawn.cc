#include "runtime/proc/node_init_spawn.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

/// For the child of spawn_sandbox, which runs in our memory: plain data in, an errno out.
struct PauseStart {
  const char* program;
  const char* hostname;
  size_t hostname_length;
  bool own_network;
  bool own_uts;
  const char* failed_at = nullptr;
  int error = 0;
};

bool bring_loopback_up() {
  int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  bool done = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  done = done && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return done;
}

/// Only system calls: the parent's memory is ours and it sleeps until we exec.
int start_pause(void* argument) {
  auto* start = static_cast<PauseStart*>(argument);
  ::setsid();
  if (start->own_uts && start->hostname_length > 0 &&
      ::sethostname(start->hostname, start->hostname_length) != 0) {
    start->failed_at = "setting the pod's hostname";
  } else if (start->own_network && !bring_loopback_up()) {
    start->failed_at = "bringing up the pod's loopback interface";
  } else {
    char name[] = "/pause";
    std::array<char*, 2> argv{name, nullptr};
    std::array<char*, 1> envp{nullptr};
    ::execve(start->program, argv.data(), envp.data());
    start->failed_at = "running the pause program";
  }
  start->error = errno;
  ::_exit(127);
}

Result<Fd> open_pidfd(pid_t pid) {
  // Our own unreaped child: the number cannot have been given to another process.
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return Error::from_errno(errno, "opening a process descriptor");
  return fd;
}

Result<Child> clone_child(unsigned long flags, const std::function<void()>& body) {
  long pid = ::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid < 0) return Error::from_errno(errno, "starting a process");
  if (pid == 0) {
    body();
    ::_exit(128);
  }
  auto pidfd = open_pidfd(static_cast<pid_t>(pid));
  if (!pidfd) ::kill(static_cast<pid_t>(pid), SIGKILL);
  HOP_TRY(Fd fd, std::move(pidfd));
  return Child{static_cast<pid_t>(pid), std::move(fd)};
}

/// Children made while this lives are in another process's pid namespace.
Result<Child> clone_in_pidns_of(const Fd& process, unsigned long flags,
                                const std::function<void()>& body) {
  HOP_TRY(Fd own, open_fd("/proc/self/ns/pid", O_RDONLY));
  if (::setns(process.get(), CLONE_NEWPID) != 0) {
    return Error::from_errno(errno, "joining the container's pid namespace");
  }
  auto child = clone_child(flags, body);
  // Were this to fail, every later child would land in the container.
  if (::setns(own.get(), CLONE_NEWPID) != 0) std::abort();
  return child;
}

}  // namespace

Result<Child> spawn_sandbox(const PodSandboxSpec& spec, const std::string& program) {
  PauseStart start{program.c_str(), spec.hostname.c_str(), spec.hostname.size(), !spec.host_network,
                   !spec.host_network};
  int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  if (!spec.host_network) flags |= CLONE_NEWNET | CLONE_NEWUTS;
  if (!spec.host_ipc) flags |= CLONE_NEWIPC;
  if (!spec.host_pid) flags |= CLONE_NEWPID;
  alignas(16) static std::array<char, 32U << 10U> stack;
  int pid = ::clone(start_pause, stack.data() + stack.size(), flags, &start);
  if (pid < 0) return Error::from_errno(errno, "making the pod's namespaces");
  if (start.failed_at != nullptr) {
    ::waitpid(pid, nullptr, 0);
    return Error::from_errno(start.error, start.failed_at);
  }
  auto pidfd = open_pidfd(pid);
  if (!pidfd) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::move(pidfd).error();
  }
  return Child{pid, std::move(*pidfd)};
}

Result<Child> spawn_container(PidNamespace pids, const Fd& sandbox,
                              const std::function<void()>& body) {
  switch (pids) {
    case PidNamespace::own:
      return clone_child(CLONE_NEWNS | CLONE_NEWPID, body);
    case PidNamespace::of_sandbox:
      return clone_in_pidns_of(sandbox, CLONE_NEWNS, body);
    case PidNamespace::of_host:
      return clone_child(CLONE_NEWNS, body);
  }
  return Error(ErrorCode::internal, "unknown kind of pid namespace");
}

Result<Child> spawn_inside(const Fd& container, const std::function<void()>& body) {
  return clone_in_pidns_of(container, 0, body);
}

}  // namespace hoplab::proc
