#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "store/source.h"

namespace hoplab::reconcile {

/// The object an event is about.
struct ObjectReference {
  std::string api_version;  ///< "v1"
  std::string kind;         ///< "Pod"
  std::string namespace_name;
  std::string name;
  std::string uid;
  std::string field_path;  ///< "spec.containers{web}"; may be empty.
};

ObjectReference reference_to(const Json& object);

/// Writes core/v1 Events on a thread of its own: telling never waits for the API. The same event
/// again counts up the one that exists, as client-go's correlator does. When more than 1,000 wait
/// (the API is away), the oldest are dropped: events are news, not state. Thread-safe.
class EventRecorder {
 public:
  /// `component` is "kubelet", "default-scheduler", …; `host` the node or empty.
  EventRecorder(Source& source, std::string component, std::string host, Log log);
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;
  ~EventRecorder();

  void normal(const ObjectReference& about, const std::string& reason, const std::string& message) {
    tell(about, "Normal", reason, message);
  }
  void warning(const ObjectReference& about, const std::string& reason,
               const std::string& message) {
    tell(about, "Warning", reason, message);
  }
  void tell(const ObjectReference& about, const std::string& type, const std::string& reason,
            const std::string& message);

 private:
  struct Waiting {
    ObjectReference about;
    std::string type;
    std::string reason;
    std::string message;
    WallTime at;
  };
  struct Written {
    std::string name;
    int64_t count = 1;
  };

  void run();
  void write(const Waiting& event);
  [[nodiscard]] Json make_event(const Waiting& event, const std::string& name) const;

  Source& source_;
  std::string component_;
  std::string host_;
  Log log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool stopping_ = false;
  std::map<std::string, Written> written_;  ///< Only the thread's. By object, reason and message.
  std::jthread thread_;
};

}  // namespace hoplab::reconcile
