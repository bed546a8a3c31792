#include "runtime/reconcile/controller_manager.h"

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"

namespace hoplab::reconcile {
namespace {

/// Only an upper bound of a wait that ends with the next change.
constexpr Millis one_wait(3'600'000);

/// A mistake in one controller, on one object, must not end the others.
Result<std::optional<Millis>> guarded(Controller& controller, const std::string& key) {
  try {
    return controller.reconcile(key);
  } catch (const std::exception& e) {
    return Error(ErrorCode::internal, str("internal error: ", e.what()));
  }
}

}  // namespace

ControllerManager::ControllerManager(Registry& registry, Log log, int workers)
    : registry_(registry), log_(std::move(log)), workers_(std::max(1, workers)) {}

ControllerManager::~ControllerManager() {
  stop();
}

void ControllerManager::add(std::unique_ptr<Controller> controller) {
  controllers_.push_back(std::move(controller));
}

void ControllerManager::wake(const Controller& controller, const std::string& key) {
  for (size_t i = 0; i < controllers_.size(); ++i) {
    if (controllers_[i].get() == &controller) queue_.put({.controller = i, .key = key});
  }
}

void ControllerManager::start() {
  threads_.push_back(start_thread(
      "controller-feed", end_process, [this] { feed(); }, log_));
  for (int i = 0; i < workers_; ++i) {
    threads_.push_back(start_thread(
        "controller", end_process, [this] { work(); }, log_));
  }
}

void ControllerManager::stop() {
  {
    std::lock_guard held(changes_mutex_);
    stopping_ = true;
    if (changes_ != nullptr) changes_->stop();
  }
  queue_.close();
  for (std::jthread& thread : threads_) thread.join();
  threads_.clear();
}

void ControllerManager::feed() {
  while (true) {
    const Result<void> ended = follow();
    std::lock_guard held(changes_mutex_);
    if (stopping_ || ended.ok() || ended.error().code() != ErrorCode::too_old) return;
    log_.warning("changes came faster than they were read: looking at everything again");
  }
}

Result<void> ControllerManager::follow() {
  const Snapshot present = registry_.everything();
  {
    std::lock_guard held(changes_mutex_);
    if (stopping_) return {};
    changes_ = registry_.changes(present.revision);
  }
  std::vector<std::string> keys;
  for (const SharedJson& object : present.objects) {
    dispatch({.kind = {}, .before = nullptr, .now = object.get(), .at_start = true}, keys);
  }
  dispatched_ = present.revision;
  while (true) {
    HOP_TRY(const std::vector<StoreEvent> events, changes_->take(one_wait));
    for (const StoreEvent& event : events) {
      const Json* before = event.previous.get();
      if (before == nullptr && event.deleted) before = event.object.get();
      const Json* now = event.deleted ? nullptr : event.object.get();
      dispatch({.kind = {}, .before = before, .now = now}, keys);
      dispatched_ = event.revision;
    }
  }
}

void ControllerManager::dispatch(ObjectChange change, std::vector<std::string>& keys) {
  const std::string kind = string_or(change.any(), "kind");
  change.kind = kind;
  for (size_t i = 0; i < controllers_.size(); ++i) {
    keys.clear();
    try {
      controllers_[i]->wake(change, keys);
    } catch (const std::exception& e) {
      log_.error(str(controllers_[i]->name(), ": ", kind, " ", api::key_of(change.any()),
                     ": internal error: ", e.what()));
    }
    for (std::string& key : keys) queue_.put({.controller = i, .key = std::move(key)});
  }
}

void ControllerManager::work() {
  while (auto item = queue_.take()) look(*item);
}

void ControllerManager::look(const WorkItem& item) {
  Controller& controller = *controllers_[item.controller];
  auto again = guarded(controller, item.key);
  if (again.ok()) {
    queue_.done(item);
    if (*again) queue_.put_after(item, **again);
    return;
  }
  const Millis pause = queue_.failed(item);
  const Error& error = again.error();
  // Lost races heal by themselves; so does "forbidden" where a namespace is on its way out.
  const bool race = error.code() == ErrorCode::conflict || error.code() == ErrorCode::not_found ||
                    error.code() == ErrorCode::already_exists ||
                    error.code() == ErrorCode::forbidden;
  const std::string text = str(controller.name(), ": ", item.key, ": ", error.message(),
                               "; again in ", pause.count(), " ms");
  race ? log_.debug(text) : log_.warning(text);
}

bool ControllerManager::wait_idle(Millis timeout) {
  const SteadyTime end = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < end) {
    const int64_t revision = registry_.revision();
    if (dispatched_ >= revision && queue_.idle() && registry_.revision() == revision) return true;
    std::this_thread::sleep_for(Millis(1));
  }
  return false;
}

}  // namespace hoplab::reconcile
