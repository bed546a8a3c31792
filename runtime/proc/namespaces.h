#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::proc {

/// Descriptors of namespaces of one process (/proc/PID/ns/*). They keep the namespaces alive, and
/// entering them needs no pid: nothing to translate between pid namespaces, no pid used again.
class NamespaceSet {
 public:
  struct Entry {
    std::string kind;  ///< "user", "mnt", "pid", "net", "uts", "ipc" as in /proc/PID/ns.
    Fd fd;
  };

  NamespaceSet() = default;
  /// Opens the namespaces of `pid`; kinds in entering order (user first).
  static Result<NamespaceSet> open(pid_t pid, const std::vector<std::string>& kinds);
  void add(std::string kind, Fd fd) { entries_.push_back({std::move(kind), std::move(fd)}); }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// -1 when the set has no such kind.
  [[nodiscard]] int find(std::string_view kind) const;

  /// Moves the calling thread into all of them; the pid namespace counts for children only. The
  /// process must have one thread when the set has a user or mount namespace. After a failure the
  /// caller is in some of them and can only end.
  [[nodiscard]] Result<void> enter() const;

 private:
  std::vector<Entry> entries_;
};

/// Every kind of a host of the sandbox but "user", which a host shares with its sandbox.
const std::vector<std::string>& host_namespace_kinds();

/// fork(2) into new namespaces (`flags`: CLONE_NEW*, CLONE_PARENT). Returns 0 in the child, which
/// is pid 1 with CLONE_NEWPID. The caller must have one thread. `pidfd` (if not null) receives the
/// child's pidfd.
Result<pid_t> fork_into(unsigned long flags, Fd* pidfd = nullptr);

/// Waits for the end of a process by pidfd, also of one that is not our child. False when the time
/// is up.
bool wait_for_end(const Fd& pidfd, int timeout_ms);

/// The process's start time in clock ticks since boot (/proc/PID/stat, field 22): with the pid it
/// names a process for good. Nullopt when there is none, or only a zombie.
std::optional<uint64_t> process_start_time(pid_t pid);

/// Our own executable as a path that can be started again; an error when it was deleted or
/// replaced since.
Result<std::string> own_executable();

}  // namespace hoplab::proc
