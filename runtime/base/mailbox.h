#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>

#include "runtime/base/clock.h"

namespace hoplab {

/// A queue of keys between threads in which a key waits at most once: a hundred changes of one
/// object while the reader is busy are one wake-up. Any number of writers, any number of readers.
template <typename Key>
class Mailbox {
 public:
  /// Adds the key unless it already waits. Ignored after close().
  void put(Key key) {
    std::lock_guard lock(mutex_);
    if (closed_ || !waiting_.insert(key).second) return;
    queue_.push_back(std::move(key));
    ready_.notify_one();
  }

  /// The oldest key; nullopt when the time is up or the box is closed and empty.
  std::optional<Key> take(Millis timeout) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [this] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return std::nullopt;
    Key key = std::move(queue_.front());
    queue_.pop_front();
    waiting_.erase(key);
    return key;
  }

  /// Wakes every reader; what is queued can still be taken.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }

  [[nodiscard]] bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Key> queue_;
  std::set<Key> waiting_;
  bool closed_ = false;
};

}  // namespace hoplab
