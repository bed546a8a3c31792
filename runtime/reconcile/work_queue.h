#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "runtime/base/clock.h"

namespace hoplab::reconcile {

/// A key of one controller.
struct WorkItem {
  size_t controller = 0;
  std::string key;
  auto operator<=>(const WorkItem&) const = default;
};

/// What the controllers still have to look at (after client-go's workqueue): an item waits at most
/// once, is never worked on by two threads at a time, can wait for a moment, and comes back after a
/// growing pause when it failed. Waiting costs nothing: one condition variable, no ticking.
class WorkQueue {
 public:
  void put(WorkItem item);
  /// The earlier of two moments counts.
  void put_after(WorkItem item, Millis delay);
  /// Blocks; nullopt after close(). The item must be given back with done() or failed().
  std::optional<WorkItem> take();
  void done(const WorkItem& item);
  /// done(), and again after 5 ms, 10 ms, … up to 30 s. Returns the pause.
  Millis failed(const WorkItem& item);
  void close();
  /// Nothing ready and nothing being worked on (delayed items may wait).
  [[nodiscard]] bool idle() const;

 private:
  void put_locked(WorkItem item);
  void move_due_locked(SteadyTime now);
  void finish_locked(const WorkItem& item);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<WorkItem> ready_;
  std::set<WorkItem> waiting_;  ///< In ready_.
  std::set<WorkItem> running_;
  std::set<WorkItem> again_;  ///< Put while running.
  std::map<WorkItem, SteadyTime> due_;
  std::set<std::pair<SteadyTime, WorkItem>> timeline_;  ///< due_ by time.
  std::map<WorkItem, int> failures_;
  bool closed_ = false;
};

}  // namespace hoplab::reconcile
