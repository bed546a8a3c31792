#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/agent/node_reporter.h"
#include "runtime/agent/pod_worker.h"
#include "runtime/reconcile/event_recorder.h"
#include "store/informer.h"

namespace hoplab::agent {

struct AgentConfig {
  NodeDescription node;
  DnsFacts dns;
  std::string image_folder;  ///< Of the images that the user has loaded; empty = none.
  std::string volumes_folder = "/run/hoplab/pods";
  uint32_t mtu = 1480;  ///< Of pods: the node's minus the encapsulation's header.
};

/// What the agent needs from parts it must not know (web): given by cmd/agent.cc.
struct AgentHooks {
  HttpProber http;
  TokenSource tokens;
};

/// The agent of one node, wired together: informers feed a mailbox, one thread works. The Source
/// and the container client outlive it.
class Agent {
 public:
  Agent(AgentConfig config, Source& source, proc::ContainerClient& containers, AgentHooks hooks,
        Log log);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  /// Adopts what runs, then works until stop(); `unavailable` when node-init is gone.
  Result<void> run();
  /// From any thread: run() returns soon.
  void stop();

  /// For exec, attach, logs and port-forward.
  [[nodiscard]] const PodDirectory& directory() const { return directory_; }

 private:
  void watch_containers();
  void take_in();
  void observe_all();
  /// The loop: waits for news, takes them in, carries out what follows.
  void work();
  [[nodiscard]] Result<Json> look_up(const std::string& kind, const std::string& namespace_name,
                                     const std::string& name);
  [[nodiscard]] std::vector<Json> services_for(const std::string& namespace_name) const;
  WorkerParts worker_parts();

  AgentConfig config_;
  Source& source_;
  proc::ContainerClient& containers_;
  AgentHooks hooks_;
  Log log_;
  SystemClock clock_;
  Mailbox<std::string> wake_;  ///< Pod keys; "" = something else to take in.
  std::atomic<bool> node_init_gone_ = false;

  std::mutex inbox_mutex_;
  std::deque<proc::ContainerEvent> container_events_;
  std::deque<ProbeVerdict> verdicts_;

  reconcile::EventRecorder events_;
  reconcile::IpamClient ipam_;
  PodAttacher attacher_;
  StatusWriter statuses_;
  Prober prober_;
  LifecycleHooks lifecycle_;
  Volumes volumes_;
  proc::ImageCatalog images_;
  PodDirectory directory_;
  PodWorker worker_;  ///< Only run()'s thread touches it.
  Informer services_;
  Informer pods_;
  std::unique_ptr<NodeReporter> reporter_;
  std::optional<proc::EventSubscription> subscription_;
  std::jthread event_thread_;
};

}  // namespace hoplab::agent
