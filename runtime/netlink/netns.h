#pragma once

#include <string>
#include <utility>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab {

/// A descriptor of the calling thread's network namespace. It keeps the namespace alive.
Result<Fd> current_netns();

/// Makes a network namespace and returns its descriptor; the calling thread stays where it was.
/// The namespace lives as long as a descriptor, a bind mount or a process in it (about 0.3 ms,
/// 220 kB; facts/kernel.md P6). Needs CAP_SYS_ADMIN.
Result<Fd> make_netns();

/// A descriptor of a named namespace: /run/netns/NAME as seen by the caller.
Result<Fd> open_netns(const std::string& name);

/// True when both descriptors stand for one namespace.
bool same_netns(int a, int b);

/// Puts the calling thread into another network namespace until the end of the scope. Meant for a
/// few lines: enter, open a socket or a file below /proc/sys/net, leave. setns(2) is per thread:
/// never let a guard live across code that hands work to, or runs on behalf of, other threads.
/// Failing to return aborts: going on in the wrong namespace would change the wrong machine.
class NetnsGuard {
 public:
  static Result<NetnsGuard> enter(int netns_fd);
  NetnsGuard(NetnsGuard&& other) noexcept : home_(std::move(other.home_)) {}
  NetnsGuard& operator=(NetnsGuard&&) = delete;
  NetnsGuard(const NetnsGuard&) = delete;
  NetnsGuard& operator=(const NetnsGuard&) = delete;
  ~NetnsGuard();

 private:
  explicit NetnsGuard(Fd home) : home_(std::move(home)) {}
  Fd home_;  ///< Invalid when nothing is to be undone.
};

}  // namespace hoplab
