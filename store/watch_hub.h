#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab {

/// One committed change. Objects are shared with the cache and never change.
struct StoreEvent {
  int64_t revision = 0;
  std::string key;
  bool deleted = false;
  std::shared_ptr<const Json> object;    ///< State after; for a deletion the last state.
  std::shared_ptr<const Json> previous;  ///< State before; null when the key did not exist.
};

struct HubState;
struct HubCursor;

/// Reads committed changes whose key has a prefix, in order and without gaps. One reader thread;
/// stop() from any thread.
class Subscription {
 public:
  Subscription(std::shared_ptr<HubState> hub, std::string prefix, int64_t after);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  /// Waits for the next changes; empty when the time is up. `too_old` when the log no longer
  /// reaches back to this reader, `unavailable` after stop() or close().
  Result<std::vector<StoreEvent>> take(Millis timeout);
  void stop();
  /// Every change up to this revision has been handed out.
  [[nodiscard]] int64_t position() const;

 private:
  std::shared_ptr<HubState> hub_;
  std::unique_ptr<HubCursor> cursor_;
};

/// Fans committed changes out to any number of subscriptions: the last `capacity` changes are kept
/// in memory once for all, slower readers continue from the log. No threads of its own.
class WatchHub {
 public:
  /// Changes after a revision with a key prefix, from the log; at most a few hundred per call.
  using Backlog =
      std::function<Result<std::vector<StoreEvent>>(int64_t after, const std::string& prefix)>;

  /// `revision` is the store's newest; everything up to it comes from the backlog.
  WatchHub(size_t capacity, int64_t revision, Backlog backlog);
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;
  ~WatchHub();

  /// Hands over changes in revision order and wakes the readers they concern.
  void publish(std::vector<StoreEvent> events);
  /// Changes after the revision (one the log still reaches, or take() says `too_old`).
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(std::string prefix, int64_t after);
  /// Fails all readers with `unavailable` and waits until none is inside the backlog.
  void close();

 private:
  std::shared_ptr<HubState> state_;
};

}  // namespace hoplab
