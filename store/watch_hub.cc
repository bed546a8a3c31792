#include "store/watch_hub.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

namespace hoplab {

struct HubCursor {
  std::string prefix;
  int64_t position = 0;
  bool stopped = false;
  std::condition_variable ready;
};

struct HubState {
  mutable std::mutex mutex;
  size_t capacity = 0;
  int64_t oldest = 0;    ///< The ring holds every change after this revision.
  int64_t revision = 0;  ///< Newest published.
  std::deque<StoreEvent> ring;
  WatchHub::Backlog backlog;
  int in_backlog = 0;
  bool closed = false;
  std::condition_variable backlog_left;
  std::set<HubCursor*> cursors;
};

namespace {

constexpr size_t batch = 256;

Error watch_ended() {
  return {ErrorCode::unavailable, "the watch was stopped"};
}

}  // namespace

Subscription::Subscription(std::shared_ptr<HubState> hub, std::string prefix, int64_t after)
    : hub_(std::move(hub)), cursor_(std::make_unique<HubCursor>()) {
  cursor_->prefix = std::move(prefix);
  cursor_->position = after;
  std::lock_guard held(hub_->mutex);
  hub_->cursors.insert(cursor_.get());
}

Subscription::~Subscription() {
  std::lock_guard held(hub_->mutex);
  hub_->cursors.erase(cursor_.get());
}

void Subscription::stop() {
  std::lock_guard held(hub_->mutex);
  cursor_->stopped = true;
  cursor_->ready.notify_all();
}

int64_t Subscription::position() const {
  std::lock_guard held(hub_->mutex);
  return cursor_->position;
}

Result<std::vector<StoreEvent>> Subscription::take(Millis timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::unique_lock lock(hub_->mutex);
  HubState& hub = *hub_;
  HubCursor& cursor = *cursor_;
  while (true) {
    if (hub.closed || cursor.stopped) return watch_ended();
    if (cursor.position < hub.oldest) {
      ++hub.in_backlog;
      const int64_t reach = hub.oldest;
      lock.unlock();
      Result<std::vector<StoreEvent>> old = hub.backlog(cursor.position, cursor.prefix);
      lock.lock();
      if (--hub.in_backlog == 0) hub.backlog_left.notify_all();
      if (!old) return old;
      cursor.position = old->empty() ? std::max(cursor.position, reach) : old->back().revision;
      if (!old->empty()) return old;
      continue;
    }
    std::vector<StoreEvent> found;
    auto it = std::upper_bound(hub.ring.begin(), hub.ring.end(), cursor.position,
                               [](int64_t at, const StoreEvent& e) { return at < e.revision; });
    for (; it != hub.ring.end() && found.size() < batch; ++it) {
      cursor.position = it->revision;
      if (it->key.starts_with(cursor.prefix)) found.push_back(*it);
    }
    if (!found.empty()) return found;
    if (cursor.ready.wait_until(lock, deadline) == std::cv_status::timeout &&
        cursor.position >= hub.revision) {
      return (hub.closed || cursor.stopped) ? Result<std::vector<StoreEvent>>(watch_ended())
                                            : Result<std::vector<StoreEvent>>(std::move(found));
    }
  }
}

WatchHub::WatchHub(size_t capacity, int64_t revision, Backlog backlog)
    : state_(std::make_shared<HubState>()) {
  state_->capacity = capacity;
  state_->oldest = revision;
  state_->revision = revision;
  state_->backlog = std::move(backlog);
}

WatchHub::~WatchHub() {
  close();
}

void WatchHub::publish(std::vector<StoreEvent> events) {
  std::lock_guard held(state_->mutex);
  for (StoreEvent& event : events) {
    for (HubCursor* cursor : state_->cursors) {
      if (event.key.starts_with(cursor->prefix)) {
        cursor->ready.notify_all();
      } else if (cursor->position == state_->revision) {
        // A reader that has seen everything stays up to date without waking up, so that a quiet
        // kind's reader does not fall out of the ring while another kind is busy.
        cursor->position = event.revision;
      }
    }
    state_->revision = event.revision;
    state_->ring.push_back(std::move(event));
    if (state_->ring.size() > state_->capacity) {
      state_->oldest = state_->ring.front().revision;
      state_->ring.pop_front();
    }
  }
}

std::unique_ptr<Subscription> WatchHub::subscribe(std::string prefix, int64_t after) {
  return std::make_unique<Subscription>(state_, std::move(prefix), after);
}

void WatchHub::close() {
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  for (HubCursor* cursor : state_->cursors) cursor->ready.notify_all();
  state_->backlog_left.wait(lock, [this] { return state_->in_backlog == 0; });
}

}  // namespace hoplab
