#include "runtime/reconcile/event_writer.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "runtime/base/text.h"
#include "runtime/reconcile/object_state.h"

namespace hoplab::reconcile {
namespace {

constexpr const char* write_key = "write";
constexpr const char* expire_key = "expire";

const api::Kind& event_kind() {
  return api::kind_of("Event");
}

/// The same news has the same name: "web.1f0c…", a hash in place of Kubernetes' time stamp.
std::string event_name(const Json& event) {
  uint64_t hash = 14695981039346656037ULL;
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211ULL;
    hash *= 1099511628211ULL;
  };
  const Json& about = event["involvedObject"];
  mix(string_or(about, "uid"));
  mix(string_or(about, "kind"));
  mix(string_or(event, "reason"));
  mix(string_or(event, "message"));
  mix(string_or(event["source"], "component"));
  std::ostringstream text;
  text << std::hex << std::setw(16) << std::setfill('0') << hash;
  // 253 bytes at most, and the object's name may have as many.
  return string_or(about, "name").substr(0, 230) + "." + text.str();
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
  event["metadata"]["name"] = event_name(event);
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
    HOP_CHECK(write(event));
  }
}

Result<void> EventWriter::write(const Json& event) {
  const std::string space = api::namespace_of(event);
  const std::string name = api::name_of(event);
  const SharedJson had = registry_.find(event_kind(), space, name);
  if (had != nullptr) {
    const Json patch = {{"count", int_or(*had, "count", 1) + 1},
                        {"lastTimestamp", event["lastTimestamp"]}};
    auto counted = registry_.patch(event_kind(), space, name, PatchType::merge, patch);
    if (counted.ok() || counted.error().code() != ErrorCode::not_found) return {};
  }
  // News about something whose namespace is gone or going has no place to be kept.
  (void)registry_.create(event_kind(), space, event);
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
