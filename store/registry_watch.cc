#include "store/registry_watch.h"

#include <algorithm>

namespace hoplab {

Result<ObjectFilter> ObjectFilter::parse(const Selection& selection) {
  HOP_TRY(auto labels, api::LabelSelector::parse(selection.label_selector));
  HOP_TRY(auto fields, api::FieldSelector::parse(selection.field_selector));
  return ObjectFilter{.labels = std::move(labels), .fields = std::move(fields)};
}

bool ObjectFilter::matches(const Json& object) const {
  return (labels.empty() || labels.matches(member(member(object, "metadata"), "labels"))) &&
         (fields.empty() || fields.matches(object));
}

std::optional<WatchEvent> filtered_event(const StoreEvent& event, const ObjectFilter& filter) {
  const bool before = event.previous != nullptr && filter.matches(*event.previous);
  const bool now = !event.deleted && filter.matches(*event.object);
  if (!before && !now) return std::nullopt;
  WatchEvent out{.type = EventType::modified, .object = {}, .revision = event.revision};
  if (now) {
    out.type = before ? EventType::modified : EventType::added;
    out.object = *event.object;
  } else {
    out.type = EventType::deleted;
    out.object = event.deleted ? *event.object : *event.previous;
    out.object["metadata"]["resourceVersion"] = std::to_string(event.revision);
  }
  return out;
}

RegistryWatch::RegistryWatch(const api::Kind& kind, ObjectFilter filter, const Snapshot& initial,
                             std::unique_ptr<Subscription> changes, int64_t revision,
                             Millis bookmark_interval)
    : kind_(kind),
      filter_(std::move(filter)),
      changes_(std::move(changes)),
      told_(revision),
      bookmark_interval_(bookmark_interval),
      told_at_(std::chrono::steady_clock::now()) {
  for (const SharedJson& object : initial.objects) {
    ready_.push_back(
        {.type = EventType::added, .object = *object, .revision = api::revision_of(*object)});
  }
}

std::optional<WatchEvent> RegistryWatch::bookmark(SteadyTime now) {
  const int64_t position = changes_->position();
  if (now - told_at_ < bookmark_interval_) return std::nullopt;
  told_at_ = now;
  if (position <= told_) return std::nullopt;
  told_ = position;
  return WatchEvent{.type = EventType::bookmark,
                    .object = {{"apiVersion", kind_.api_version()},
                               {"kind", kind_.kind},
                               {"metadata", {{"resourceVersion", std::to_string(position)}}}},
                    .revision = position};
}

Result<std::optional<WatchEvent>> RegistryWatch::next(Millis timeout) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (!ready_.empty()) {
      WatchEvent event = std::move(ready_.front());
      ready_.pop_front();
      told_ = std::max(told_, event.revision);
      told_at_ = std::chrono::steady_clock::now();
      return std::optional(std::move(event));
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    if (auto mark = bookmark(now)) return mark;
    const auto left =
        std::min<SteadyTime::duration>(deadline - now, told_at_ + bookmark_interval_ - now);
    HOP_TRY(const std::vector<StoreEvent> events,
            changes_->take(std::chrono::ceil<Millis>(std::max(left, SteadyTime::duration(0)))));
    for (const StoreEvent& event : events) {
      if (auto out = filtered_event(event, filter_)) ready_.push_back(std::move(*out));
    }
    if (ready_.empty() && std::chrono::steady_clock::now() >= deadline) {
      return std::optional<WatchEvent>();
    }
  }
}

}  // namespace hoplab
