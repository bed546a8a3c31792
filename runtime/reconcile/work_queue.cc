#include "runtime/reconcile/work_queue.h"

#include <algorithm>

namespace hoplab::reconcile {
namespace {

constexpr Millis first_pause(5);
constexpr Millis longest_pause(30'000);

}  // namespace

void WorkQueue::put(WorkItem item) {
  std::lock_guard held(mutex_);
  put_locked(std::move(item));
}

void WorkQueue::put_locked(WorkItem item) {
  if (closed_) return;
  if (running_.contains(item)) {
    again_.insert(std::move(item));
    return;
  }
  if (!waiting_.insert(item).second) return;
  ready_.push_back(std::move(item));
  changed_.notify_one();
}

void WorkQueue::put_after(WorkItem item, Millis delay) {
  std::lock_guard held(mutex_);
  const SteadyTime at = std::chrono::steady_clock::now() + delay;
  const auto [it, fresh] = due_.try_emplace(item, at);
  if (!fresh) {
    if (it->second <= at) return;
    timeline_.erase({it->second, item});
    it->second = at;
  }
  timeline_.emplace(at, std::move(item));
  changed_.notify_one();
}

void WorkQueue::move_due_locked(SteadyTime now) {
  while (!timeline_.empty() && timeline_.begin()->first <= now) {
    WorkItem item = timeline_.begin()->second;
    timeline_.erase(timeline_.begin());
    due_.erase(item);
    put_locked(std::move(item));
  }
}

std::optional<WorkItem> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    move_due_locked(std::chrono::steady_clock::now());
    if (!ready_.empty()) {
      WorkItem item = std::move(ready_.front());
      ready_.pop_front();
      waiting_.erase(item);
      running_.insert(item);
      return item;
    }
    if (timeline_.empty()) {
      changed_.wait(lock);
    } else {
      const SteadyTime next = timeline_.begin()->first;  // The set may change while we wait.
      changed_.wait_until(lock, next);
    }
  }
  return std::nullopt;
}

void WorkQueue::finish_locked(const WorkItem& item) {
  running_.erase(item);
  if (again_.erase(item) != 0) put_locked(item);
}

void WorkQueue::done(const WorkItem& item) {
  std::lock_guard held(mutex_);
  failures_.erase(item);
  finish_locked(item);
}

Millis WorkQueue::failed(const WorkItem& item) {
  Millis pause;
  {
    std::lock_guard held(mutex_);
    const int failures = failures_[item]++;
    pause = std::min(longest_pause, first_pause * (1 << std::min(failures, 13)));
    finish_locked(item);
  }
  put_after(item, pause);
  return pause;
}

void WorkQueue::close() {
  std::lock_guard held(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool WorkQueue::idle() const {
  std::lock_guard held(mutex_);
  return ready_.empty() && running_.empty();
}

}  // namespace hoplab::reconcile
