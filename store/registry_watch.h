#pragma once

#include <deque>
#include <memory>
#include <string>

#include "store/api/kind.h"
#include "store/api/selector.h"
#include "store/object_store.h"
#include "store/source.h"

namespace hoplab {

/// A Selection, parsed.
struct ObjectFilter {
  api::LabelSelector labels;
  api::FieldSelector fields;
  static Result<ObjectFilter> parse(const Selection& selection);
  [[nodiscard]] bool matches(const Json& object) const;
};

/// What a watcher with this filter is told of a change: an object that starts to match is ADDED,
/// one that stops matching is DELETED (its last matching state with the change's revision).
std::optional<WatchEvent> filtered_event(const StoreEvent& event, const ObjectFilter& filter);

/// One watch of the registry: the present objects first (optional), then changes, and bookmarks
/// when nothing matched for a while.
class RegistryWatch final : public Watch {
 public:
  RegistryWatch(const api::Kind& kind, ObjectFilter filter, const Snapshot& initial,
                std::unique_ptr<Subscription> changes, int64_t revision, Millis bookmark_interval);
  Result<std::optional<WatchEvent>> next(Millis timeout) override;
  void stop() override { changes_->stop(); }

 private:
  std::optional<WatchEvent> bookmark(SteadyTime now);

  const api::Kind& kind_;
  ObjectFilter filter_;
  std::unique_ptr<Subscription> changes_;
  std::deque<WatchEvent> ready_;
  int64_t told_;  ///< Revision of the last event handed out.
  Millis bookmark_interval_;
  SteadyTime told_at_;
};

}  // namespace hoplab
