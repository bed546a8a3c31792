#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/base/mailbox.h"
#include "store/source.h"

namespace hoplab {

/// Keeps a local copy of all objects of one kind through any Source: lists, watches, lists again
/// when the watch has become too old, and reconnects with a growing pause when the server is away.
/// One thread, which sleeps while nothing changes. Reading the copy is thread-safe.
///
///   Informer pods(source, api::kind_of("Pod"), {.field_selector = "spec.nodeName=w1"}, log);
///   pods.deliver_to(mailbox);      // or on_change(…), before start()
///   pods.start();
///   pods.wait_synced(Millis(5000));
class Informer {
 public:
  using Object = std::shared_ptr<const Json>;
  /// `before` is null for an added object, `now` for one that is gone. Called on the informer's
  /// thread, after the copy has changed, in the order of the revisions; must not block for long.
  using Handler = std::function<void(const Object& before, const Object& now)>;

  Informer(Source& source, const api::Kind& kind, Selection selection, const Log& log);
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;
  ~Informer();

  /// Before start() only.
  void on_change(Handler handler) { handlers_.push_back(std::move(handler)); }
  /// Puts "namespace/name" of every changed object into the box, which must outlive this.
  void deliver_to(Mailbox<std::string>& box);

  void start();
  /// Ends the watch and the thread; idempotent, not from a handler.
  void stop();
  /// Whether the first list is in and its handlers have run.
  [[nodiscard]] bool synced() const;
  /// False when the time is up.
  bool wait_synced(Millis timeout);

  /// By "namespace/name" or "name"; null when there is none.
  [[nodiscard]] Object get(const std::string& key) const;
  [[nodiscard]] std::vector<Object> list() const;
  /// Of one namespace.
  [[nodiscard]] std::vector<Object> list(const std::string& namespace_name) const;
  [[nodiscard]] const api::Kind& kind() const { return kind_; }

 private:
  void run();
  Result<void> list_once();
  Result<void> watch_on();
  void replace_all(std::vector<Json> items);
  void apply(WatchEvent event);
  void tell(const Object& before, const Object& now) const;
  void pause();

  Source& source_;
  const api::Kind& kind_;
  const Selection selection_;
  const Log log_;
  std::vector<Handler> handlers_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Object> objects_;
  bool synced_ = false;
  bool stopping_ = false;
  Watch* watch_ = nullptr;  ///< The running one, for stop().

  // Only the informer's thread.
  int64_t revision_ = 0;  ///< 0 = a list is needed.
  Millis pause_{0};
  std::jthread thread_;
};

}  // namespace hoplab
