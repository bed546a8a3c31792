#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>

#include "runtime/base/locked.h"
#include "runtime/reconcile/controller.h"
#include "store/registry.h"

namespace hoplab::reconcile {

/// Writes the controllers' Events on the worker threads, after what they tell of, and removes
/// events that are older than `lifetime`. The same news again counts up the event that is there.
class EventWriter final : public Controller {
 public:
  EventWriter(Registry& registry, const Clock& clock, Millis lifetime)
      : registry_(registry), clock_(clock), lifetime_(lifetime) {}
  /// Called when something waits to be written; must make the manager look at key "write".
  void on_waiting(std::function<void()> wake) { wake_ = std::move(wake); }
  /// Thread-safe; never blocks on the store.
  void tell(std::string_view component, const Json& object, std::string_view type,
            std::string_view reason, const std::string& message);

  [[nodiscard]] std::string_view name() const override { return "event-writer"; }
  void wake(const ObjectChange& change, std::vector<std::string>& keys) override;
  Result<std::optional<Millis>> reconcile(const std::string& key) override;

 private:
  Result<void> write(Json event);
  /// "web.17a1b2c3d4e5f607", as client-go names events: the list of an object's events, which is
  /// sorted by name, is then in the order of time.
  std::string new_name(const Json& event);
  Result<std::optional<Millis>> expire();

  Registry& registry_;
  const Clock& clock_;
  const Millis lifetime_;
  std::function<void()> wake_;
  Locked<std::deque<Json>> waiting_;
  // Only the one worker that looks at key "write".
  std::map<std::string, std::string> written_;  ///< News -> name of its event.
  int64_t last_name_ = 0;
  std::atomic<bool> clock_runs_ = false;  ///< A look for old events is due by itself.
};

}  // namespace hoplab::reconcile
