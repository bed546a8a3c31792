#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/reconcile/controller.h"
#include "runtime/reconcile/work_queue.h"
#include "store/registry.h"

namespace hoplab::reconcile {

struct ControllerOptions {
  /// A node whose Lease was not renewed for so long is not ready.
  Millis node_grace{40'000};
  /// So long an address may stay allocated after its pod is gone before it is taken back.
  Millis address_grace{60'000};
  /// How long events are kept.
  Millis event_lifetime{3'600'000};
  int workers = 2;
};

/// Runs the control plane's controllers on one feed thread and a few workers, all asleep while
/// nothing changes. The registry must outlive it.
///
///   auto controllers = ControllerManager::standard(registry, clock, log, {});
///   controllers->start();
class ControllerManager {
 public:
  ControllerManager(Registry& registry, Log log, int workers);
  ControllerManager(const ControllerManager&) = delete;
  ControllerManager& operator=(const ControllerManager&) = delete;
  ~ControllerManager();

  /// All controllers of the cluster.
  static std::unique_ptr<ControllerManager> standard(Registry& registry, const Clock& clock,
                                                     const Log& log, ControllerOptions options);

  /// Before start().
  void add(std::unique_ptr<Controller> controller);
  /// Makes a controller look at a key that no change of the store wakes. Thread-safe.
  void wake(const Controller& controller, const std::string& key);
  void start();
  /// Ends all threads; what is half done is finished. Idempotent.
  void stop();
  /// Waits until every change so far is dealt with (delayed looks may wait). For tests and benches.
  bool wait_idle(Millis timeout);

 private:
  void feed();
  void work();
  void look(const WorkItem& item);
  void dispatch(ObjectChange change, std::vector<std::string>& keys);
  Result<void> follow();

  Registry& registry_;
  const Log log_;
  const int workers_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  WorkQueue queue_;
  std::mutex changes_mutex_;
  std::unique_ptr<Subscription> changes_;
  bool stopping_ = false;  ///< Under changes_mutex_.
  std::atomic<int64_t> dispatched_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace hoplab::reconcile
