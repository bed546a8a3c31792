#include "runtime/reconcile/event_writer.h"

#include <algorithm>
#include <sstream>

#include "runtime/base/text.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* expire_key = "expire";
constexpr size_t most_remembered = 4096;

const api::Kind& event_kind() {
  return api::kind_of("Event");
}

/// What makes two events the same news.
std::string news_of(const Json& event) {
  const Json& about = event["involvedObject"];
  return str(api::namespace_of(event), "/", string_or(about, "kind"), "/", string_or(about, "uid"),
             "/", string_or(about, "name"), "/", string_or(event["source"], "component"), "/",
             string_or(event, "reason"), "/", string_or(event, "message"));
}

}  // namespace

void EventWriter::tell(std::string_view component, const Json& object, std::string_view type,
                       std::string_view reason, const std::string& message) {
  std::string space = api::namespace_of(object);
  Json about = {{"apiVersion", string_or(object, "apiVersion")},
                {"kind", string_or(object, "kind")},
                {"name", api::name_of(object)},
                {"uid", api::uid_of(object)}};
  if (!space.empty()) about["namespace"] = space;
  // Events about cluster-scoped objects live in `default`.
  if (space.empty()) space = "default";
  const std::string now = to_rfc3339(clock_.wall());
  Json event = {{"apiVersion", "v1"},
                {"kind", "Event"},
                {"metadata", {{"namespace", space}}},
                {"involvedObject", std::move(about)},
                {"type", type},
                {"reason", reason},
                {"message", message},
                {"source", {{"component", component}}},
                {"count", 1},
                {"firstTimestamp", now},
                {"lastTimestamp", now}};
  waiting_.lock()->push_back(std::move(event));
  if (wake_) wake_();
}

void EventWriter::wake(const ObjectChange& change, std::vector<std::string>& keys) {
  // The first event starts the clock; afterwards every look says when the next one is due.
  if (change.kind == "Event" && change.before == nullptr && !clock_runs_.exchange(true)) {
    keys.emplace_back(expire_key);
  }
}

Result<std::optional<Millis>> EventWriter::reconcile(const std::string& key) {
  if (key == expire_key) return expire();
  while (true) {
    Json event;
    {
      auto waiting = waiting_.lock();
      if (waiting->empty()) return settled();
      event = std::move(waiting->front());
      waiting->pop_front();
    }
    HOP_CHECK(write(std::move(event)));
  }
}

std::string EventWriter::new_name(const Json& event) {
  last_name_ = std::max<int64_t>(last_name_ + 1, clock_.wall().time_since_epoch().count());
  std::ostringstream text;
  // 253 bytes at most, and the object's name may have as many.
  text << string_or(event["involvedObject"], "name").substr(0, 230) << "." << std::hex
       << last_name_;
  return text.str();
}

Result<void> EventWriter::write(Json event) {
  const std::string space = api::namespace_of(event);
  std::string& name = written_[news_of(event)];
  const SharedJson had = name.empty() ? nullptr : registry_.find(event_kind(), space, name);
  if (had != nullptr) {
    const Json patch = {{"count", int_or(*had, "count", 1) + 1},
                        {"lastTimestamp", event["lastTimestamp"]}};
    auto counted = registry_.patch(event_kind(), space, name, PatchType::merge, patch);
    if (counted.ok() || counted.error().code() != ErrorCode::not_found) return {};
  }
  name = new_name(event);
  event["metadata"]["name"] = name;
  // News about something whose namespace is gone or going has no place to be kept.
  (void)registry_.create(event_kind(), space, std::move(event));
  if (written_.size() > most_remembered) written_.clear();
  return {};
}

Result<std::optional<Millis>> EventWriter::expire() {
  clock_runs_ = false;
  std::optional<Millis> next;
  const WallTime now = clock_.wall();
  for (const SharedJson& event : registry_.all(event_kind())) {
    auto last = parse_rfc3339(string_or(*event, "lastTimestamp"));
    if (!last.ok()) last = parse_rfc3339(string_or((*event)["metadata"], "creationTimestamp"));
    if (!last.ok()) continue;
    const auto left = std::chrono::ceil<Millis>(*last + lifetime_ - now);
    if (left > Millis(0)) {
      next = std::min(next.value_or(left), left);
      continue;
    }
    (void)registry_.remove(event_kind(), api::namespace_of(*event), api::name_of(*event));
  }
  // Rather a few at once than each at its own second.
  if (next) next = std::max(*next, Millis(60'000));
  clock_runs_ = next.has_value();
  return next;
}

}  // namespace hoplab::reconcile
