#include "store/informer.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"

namespace hoplab {
namespace {

constexpr Millis first_pause(50);
constexpr Millis longest_pause(5000);
/// Only an upper bound of a wait that ends with the next event.
constexpr Millis one_wait(3600'000);

}  // namespace

Informer::Informer(Source& source, const api::Kind& kind, Selection selection, const Log& log)
    : source_(source),
      kind_(kind),
      selection_(std::move(selection)),
      log_(log.named(kind.plural)) {}

Informer::~Informer() {
  stop();
}

void Informer::deliver_to(Mailbox<std::string>& box) {
  on_change([&box](const Object& before, const Object& now) {
    box.put(api::key_of(now != nullptr ? *now : *before));
  });
}

void Informer::start() {
  thread_ = start_thread(
      "informer " + std::string(kind_.plural), end_process, [this] { run(); }, log_);
}

void Informer::stop() {
  {
    std::lock_guard held(mutex_);
    stopping_ = true;
    if (watch_ != nullptr) watch_->stop();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Informer::synced() const {
  std::lock_guard held(mutex_);
  return synced_;
}

bool Informer::wait_synced(Millis timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return synced_ || stopping_; }) && synced_;
}

Informer::Object Informer::get(const std::string& key) const {
  std::lock_guard held(mutex_);
  const auto it = objects_.find(key);
  return it != objects_.end() ? it->second : nullptr;
}

std::vector<Informer::Object> Informer::list() const {
  return list("");
}

std::vector<Informer::Object> Informer::list(const std::string& namespace_name) const {
  const std::string prefix = namespace_name.empty() ? "" : namespace_name + "/";
  std::lock_guard held(mutex_);
  std::vector<Object> found;
  if (prefix.empty()) found.reserve(objects_.size());
  for (auto it = objects_.lower_bound(prefix);
       it != objects_.end() && it->first.starts_with(prefix); ++it) {
    found.push_back(it->second);
  }
  return found;
}

void Informer::run() {
  while (true) {
    Result<void> done = revision_ == 0 ? list_once() : watch_on();
    {
      std::lock_guard held(mutex_);
      if (stopping_) return;
    }
    if (done.ok()) continue;
    if (done.error().code() == ErrorCode::too_old) {
      revision_ = 0;  // List again, at once.
      continue;
    }
    log_.debug(str("list/watch of ", kind_.plural, ": ", done.error().message()));
    // Anything but a lost connection may mean that the server's history is another one now.
    if (done.error().code() != ErrorCode::unavailable) revision_ = 0;
    pause();
  }
}

Result<void> Informer::list_once() {
  HOP_TRY(ObjectList list, source_.list(kind_, selection_));
  replace_all(std::move(list.items));
  revision_ = list.revision;
  pause_ = Millis(0);
  std::lock_guard held(mutex_);
  synced_ = true;
  changed_.notify_all();
  return {};
}

Result<void> Informer::watch_on() {
  HOP_TRY(const std::unique_ptr<Watch> watch, source_.watch(kind_, selection_, revision_));
  {
    std::lock_guard held(mutex_);
    if (stopping_) return {};
    watch_ = watch.get();
  }
  Result<void> end;
  while (true) {
    auto event = watch->next(one_wait);
    if (!event) {
      end = std::move(event).error();
      break;
    }
    if (!event->has_value()) continue;
    pause_ = Millis(0);
    const int64_t revision = (*event)->revision;
    if ((*event)->type != EventType::bookmark) apply(std::move(**event));
    revision_ = std::max(revision_, revision);
  }
  std::lock_guard held(mutex_);
  watch_ = nullptr;
  return end;
}

void Informer::replace_all(std::vector<Json> items) {
  std::map<std::string, Object> fresh;
  for (Json& item : items) {
    std::string key = api::key_of(item);
    fresh[std::move(key)] = std::make_shared<const Json>(std::move(item));
  }
  std::map<std::string, Object> old;
  {
    std::lock_guard held(mutex_);
    old = std::exchange(objects_, fresh);
  }
  for (const auto& [key, object] : old) {
    if (!fresh.contains(key)) tell(object, nullptr);
  }
  for (const auto& [key, object] : fresh) {
    const auto it = old.find(key);
    if (it == old.end()) {
      tell(nullptr, object);
    } else if (*it->second != *object) {
      tell(it->second, object);
    }
  }
}

void Informer::apply(WatchEvent event) {
  const std::string key = api::key_of(event.object);
  Object before;
  Object now;
  {
    std::lock_guard held(mutex_);
    const auto it = objects_.find(key);
    if (it != objects_.end()) before = it->second;
    if (event.type == EventType::deleted) {
      if (before != nullptr) objects_.erase(it);
    } else {
      now = std::make_shared<const Json>(std::move(event.object));
      objects_[key] = now;
    }
  }
  if (before != nullptr || now != nullptr) tell(before, now);
}

void Informer::tell(const Object& before, const Object& now) const {
  for (const Handler& handler : handlers_) handler(before, now);
}

void Informer::pause() {
  pause_ = std::clamp(pause_ * 2, first_pause, longest_pause);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, pause_, [this] { return stopping_; });
}

}  // namespace hoplab
