#include "runtime/proc/node_init_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace hoplab::proc {

Result<EventLoop> EventLoop::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Error::from_errno(errno, "making an epoll descriptor");
  return EventLoop(std::move(epoll));
}

Result<void> EventLoop::watch(int fd, uint32_t events, Callback callback) {
  uint64_t id = next_id_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return Error::from_errno(errno, "watching a descriptor");
  }
  watched_[fd] = {id, std::make_shared<Callback>(std::move(callback))};
  by_id_[id] = fd;
  return {};
}

void EventLoop::change(int fd, uint32_t events) {
  auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = found->second.id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::forget(int fd) {
  auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  by_id_.erase(found->second.id);
  watched_.erase(found);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::after(Millis delay, std::function<void()> callback) {
  TimerId id = next_id_++;
  timers_[{SystemClock().steady() + delay, id}] = std::move(callback);
  return id;
}

void EventLoop::cancel(TimerId id) {
  std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
}

void EventLoop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first.first <= SystemClock().steady()) {
    auto callback = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    callback();
  }
}

Result<void> EventLoop::run_once(Millis limit) {
  if (!timers_.empty()) {
    auto left = std::chrono::ceil<Millis>(timers_.begin()->first.first - SystemClock().steady());
    limit = std::clamp(left, Millis(0), limit);
  }
  std::array<epoll_event, 64> events;
  int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                           static_cast<int>(limit.count()));
  if (count < 0 && errno != EINTR) return Error::from_errno(errno, "waiting for events");
  for (int i = 0; i < count; ++i) {
    auto known = by_id_.find(events[static_cast<size_t>(i)].data.u64);
    if (known == by_id_.end()) continue;
    // Kept alive here: the callback may forget its own descriptor.
    auto callback = watched_.at(known->second).callback;
    (*callback)(events[static_cast<size_t>(i)].events);
  }
  run_timers();
  return {};
}

}  // namespace hoplab::proc
