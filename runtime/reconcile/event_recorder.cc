#include "runtime/reconcile/event_recorder.h"

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "store/api/kind.h"

namespace hoplab::reconcile {

namespace {

constexpr size_t most_waiting = 1000;
constexpr size_t most_remembered = 4096;

/// Events of cluster-scoped objects live in "default", as Kubernetes puts them.
std::string event_namespace(const ObjectReference& about) {
  return about.namespace_name.empty() ? "default" : about.namespace_name;
}

/// "web.17a1b2c3d4e5f607": the object's name and the time in hexadecimal, as client-go names them.
std::string event_name(const ObjectReference& about, WallTime at) {
  std::ostringstream out;
  out << about.name << "." << std::hex << at.time_since_epoch().count();
  return out.str();
}

}  // namespace

ObjectReference reference_to(const Json& object) {
  return {string_or(object, "apiVersion", "v1"),
          string_or(object, "kind"),
          api::namespace_of(object),
          api::name_of(object),
          api::uid_of(object),
          ""};
}

EventRecorder::EventRecorder(Source& source, std::string component, std::string host, Log log)
    : source_(source),
      component_(std::move(component)),
      host_(std::move(host)),
      log_(std::move(log)),
      thread_(start_thread(
          "event-recorder", end_process, [this] { run(); }, log_)) {}

EventRecorder::~EventRecorder() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void EventRecorder::tell(const ObjectReference& about, const std::string& type,
                         const std::string& reason, const std::string& message) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= most_waiting) waiting_.pop_front();
    waiting_.push_back({about, type, reason, message, SystemClock().wall()});
  }
  changed_.notify_one();
}

void EventRecorder::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
      continue;
    }
    Waiting event = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    write(event);
    lock.lock();
  }
}

void EventRecorder::write(const Waiting& event) {
  const api::Kind& kind = api::kind_of("Event");
  std::string where = event_namespace(event.about);
  std::string key = str(event.about.uid, "/", event.about.name, "/", event.about.field_path, "/",
                        event.reason, "/", event.message);
  if (auto known = written_.find(key); known != written_.end()) {
    Written& before = known->second;
    Json patch = {{"count", before.count + 1}, {"lastTimestamp", to_rfc3339(event.at)}};
    if (source_.patch(kind, where, before.name, PatchType::merge, patch)) {
      ++before.count;
      return;
    }
    written_.erase(known);  // Gone with its namespace, or the API is away: write a new one.
  }
  if (written_.size() >= most_remembered) written_.clear();
  std::string name = event_name(event.about, event.at);
  auto created = source_.create(kind, where, make_event(event, name));
  if (created) {
    written_[key] = {name, 1};
  } else if (log_.enabled(LogLevel::debug)) {
    log_.debug("event " + event.reason + " was not written: " + created.error().message());
  }
}

Json EventRecorder::make_event(const Waiting& event, const std::string& name) const {
  Json about = {{"apiVersion", event.about.api_version},
                {"kind", event.about.kind},
                {"name", event.about.name},
                {"uid", event.about.uid}};
  if (!event.about.namespace_name.empty()) about["namespace"] = event.about.namespace_name;
  if (!event.about.field_path.empty()) about["fieldPath"] = event.about.field_path;
  Json source = {{"component", component_}};
  if (!host_.empty()) source["host"] = host_;
  std::string at = to_rfc3339(event.at);
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", event_namespace(event.about)}}},
          {"involvedObject", about},
          {"reason", event.reason},
          {"message", event.message},
          {"type", event.type},
          {"source", source},
          {"count", 1},
          {"firstTimestamp", at},
          {"lastTimestamp", at}};
}

}  // namespace hoplab::reconcile
