#include "runtime/proc/namespaces.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "runtime/base/text.h"

namespace hoplab::proc {

Result<NamespaceSet> NamespaceSet::open(pid_t pid, const std::vector<std::string>& kinds) {
  NamespaceSet set;
  for (const auto& kind : kinds) {
    HOP_TRY(Fd fd, open_fd(str("/proc/", pid, "/ns/", kind), O_RDONLY));
    set.add(kind, std::move(fd));
  }
  return set;
}

int NamespaceSet::find(std::string_view kind) const {
  for (const auto& entry : entries_) {
    if (entry.kind == kind) return entry.fd.get();
  }
  return -1;
}

Result<void> NamespaceSet::enter() const {
  for (const auto& entry : entries_) {
    if (::setns(entry.fd.get(), 0) != 0) {
      return Error::from_errno(errno, "entering the " + entry.kind + " namespace");
    }
  }
  return {};
}

const std::vector<std::string>& host_namespace_kinds() {
  static const std::vector<std::string> kinds{"pid", "net", "uts", "ipc", "mnt"};
  return kinds;
}

Result<pid_t> fork_into(unsigned long flags, Fd* pidfd) {
  int pidfd_number = -1;
  // clone, not clone3: container runtimes' filters often know only the older call. There the
  // pidfd goes where the parent's tid would.
  long pid = ::syscall(SYS_clone, flags | SIGCHLD | (pidfd != nullptr ? CLONE_PIDFD : 0), nullptr,
                       &pidfd_number, nullptr, nullptr);
  if (pid < 0) return Error::from_errno(errno, "making a process in new namespaces");
  if (pid > 0 && pidfd != nullptr) pidfd->reset(pidfd_number);
  return static_cast<pid_t>(pid);
}

bool wait_for_end(const Fd& pidfd, int timeout_ms) {
  pollfd waiting{pidfd.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

std::optional<uint64_t> process_start_time(pid_t pid) {
  auto stat = read_file(str("/proc/", pid, "/stat"), 4096);
  if (!stat) return std::nullopt;
  // The name (field 2) stands in parentheses and may hold anything, also ") ".
  auto end_of_name = stat->rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  auto fields = words(std::string_view(*stat).substr(end_of_name + 1));
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  uint64_t ticks = 0;
  auto [_, ec] = std::from_chars(fields[19].data(), fields[19].data() + fields[19].size(), ticks);
  if (ec != std::errc()) return std::nullopt;
  return ticks;
}

Result<std::string> own_executable() {
  std::array<char, 4096> path{};
  ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (n < 0) return Error::from_errno(errno, "reading /proc/self/exe");
  std::string out(path.data(), static_cast<size_t>(n));
  if (::access(out.c_str(), X_OK) != 0) {
    return Error::from_errno(
        errno, "our own executable " + out + " (was it replaced? run the command again)");
  }
  return out;
}

}  // namespace hoplab::proc
