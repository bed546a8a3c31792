#include "runtime/proc/sandbox_wait.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/proc/container_wire.h"

namespace hoplab::proc {

namespace {

/// Between bind(2), which makes the file, and listen(2) lies no event.
constexpr Millis after_bind{1};

void drain(const Fd& fd) {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(fd.get(), events.data(), events.size()) > 0) {
  }
}

}  // namespace

Result<void> wait_for_listener(const std::string& path, Millis timeout) {
  Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  std::string folder = path.substr(0, path.rfind('/'));
  if (!events || ::inotify_add_watch(events.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO) < 0) {
    return Error::from_errno(errno, "watching " + folder);
  }
  SteadyTime end = SystemClock().steady() + timeout;
  for (;;) {
    drain(events);
    bool there = ::access(path.c_str(), F_OK) == 0;
    if (there && MessageSocket::connect(path)) return {};
    auto left = std::chrono::ceil<Millis>(end - SystemClock().steady());
    if (left.count() <= 0) return Error(ErrorCode::timed_out, "nobody listens at " + path);
    if (there) left = std::min(left, after_bind);
    pollfd waiting{events.get(), POLLIN, 0};
    ::poll(&waiting, 1, static_cast<int>(left.count()));
  }
}

}  // namespace hoplab::proc
