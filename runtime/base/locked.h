#pragma once

#include <mutex>
#include <utility>

namespace hoplab {

/// Data that can only be reached while its mutex is held (after PowerDNS's LockGuarded).
///   Locked<std::map<...>> table;
///   auto held = table.lock();  held->insert(...);
template <typename T>
class Locked {
 public:
  Locked() = default;
  explicit Locked(T value) : value_(std::move(value)) {}

  class Held {
   public:
    Held(std::mutex& mutex, T& value) : lock_(mutex), value_(&value) {}
    T* operator->() { return value_; }
    T& operator*() { return *value_; }
    /// For std::condition_variable::wait.
    std::unique_lock<std::mutex>& lock() { return lock_; }

   private:
    std::unique_lock<std::mutex> lock_;
    T* value_;
  };

  [[nodiscard]] Held lock() { return Held(mutex_, value_); }

 private:
  std::mutex mutex_;
  T value_{};
};

}  // namespace hoplab
