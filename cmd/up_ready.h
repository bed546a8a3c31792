#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/fd.h"
#include "runtime/base/json.h"
#include "runtime/plan/cluster_config.h"
#include "web/client.h"

namespace hoplab::cmd {

/// How far a cluster is.
struct Readiness {
  bool ready = false;
  std::string summary;  ///< "nodes 2/4 Ready, system pods 3/8 Ready"
  std::string missing;  ///< What is not, with its own reasons; empty when ready.
  bool nodes_ready = false;
};

/// Ready means: every node of the config is Ready, every DaemonSet of kube-system is on all of
/// them, every pod of kube-system is Ready. Pure.
Readiness judge_readiness(const plan::ClusterConfig& config, const std::vector<Json>& nodes,
                          const std::vector<Json>& system_pods,
                          const std::vector<Json>& system_daemon_sets);

/// Watches a starting cluster over its API in a thread of its own. The thread ends when the cluster
/// is ready, when stop() is called, or with its next request after the server is gone for good.
class ReadyWatcher {
 public:
  ReadyWatcher(plan::ClusterConfig config, web::ClientConfig client);
  ReadyWatcher(const ReadyWatcher&) = delete;
  ReadyWatcher& operator=(const ReadyWatcher&) = delete;
  /// Waits for the thread; the server should be gone by then, or the cluster ready.
  ~ReadyWatcher();

  /// Makes the descriptor and starts the thread.
  Result<void> start();
  void stop() { stop_ = true; }
  /// Readable when the cluster is ready.
  [[nodiscard]] int fd() const { return done_.read_end.get(); }
  [[nodiscard]] Readiness latest() const;

 private:
  void run();
  Result<Readiness> look(web::Client& client);

  plan::ClusterConfig config_;
  web::ClientConfig client_;
  std::atomic<bool> stop_ = false;
  Pipe done_;
  mutable std::mutex mutex_;
  Readiness latest_;
  int64_t revision_ = 0;  ///< Of the last look().
  std::jthread thread_;
};

}  // namespace hoplab::cmd
