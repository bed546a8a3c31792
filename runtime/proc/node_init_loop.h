#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/result.h"

namespace hoplab::proc {

/// node-init's only wait: descriptors and timers, one thread. Callbacks may watch, forget and set
/// timers, also for themselves. A watched descriptor must be forgotten before it is closed.
class EventLoop {
 public:
  using Callback = std::function<void(uint32_t events)>;
  using TimerId = uint64_t;

  static Result<EventLoop> create();

  /// `events` as for epoll: EPOLLIN, EPOLLOUT. Level-triggered.
  Result<void> watch(int fd, uint32_t events, Callback callback);
  void change(int fd, uint32_t events);
  /// Fine when it is not watched.
  void forget(int fd);

  TimerId after(Millis delay, std::function<void()> callback);
  void cancel(TimerId id);

  /// Waits once (at most `limit`) and calls what is due.
  Result<void> run_once(Millis limit);

 private:
  explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  void run_timers();

  struct Watched {
    uint64_t id = 0;
    std::shared_ptr<Callback> callback;
  };

  Fd epoll_;
  uint64_t next_id_ = 1;
  std::map<int, Watched> watched_;  ///< By descriptor.
  std::map<uint64_t, int> by_id_;   ///< A reused descriptor number gets a new id.
  std::map<std::pair<SteadyTime, TimerId>, std::function<void()>> timers_;
};

}  // namespace hoplab::proc
