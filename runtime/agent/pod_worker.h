#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/agent/container_spec.h"
#include "runtime/agent/lifecycle.h"
#include "runtime/agent/pod_attacher.h"
#include "runtime/agent/pod_directory.h"
#include "runtime/agent/pod_record.h"
#include "runtime/agent/pod_status.h"
#include "runtime/agent/pod_sync.h"
#include "runtime/agent/prober.h"
#include "runtime/agent/status_writer.h"
#include "runtime/agent/volumes.h"
#include "runtime/base/log.h"
#include "runtime/proc/container_client.h"
#include "runtime/proc/image_catalog.h"

namespace hoplab::agent {

/// The container's name (empty: the event is about the whole pod), "Normal" or "Warning", reason,
/// message.
using EventSink = std::function<void(const PodRecord&, const std::string& container,
                                     const char* type, const char* reason, std::string message)>;

/// What the worker works with; all outlive it.
struct WorkerParts {
  proc::ContainerClient& containers;
  PodAttacher& attacher;
  StatusWriter& statuses;
  Prober& prober;
  LifecycleHooks& hooks;
  Volumes& volumes;
  PodDirectory& directory;
  const proc::ImageCatalog& images;
  const Clock& clock;
  NodeFacts node;
  DnsFacts dns;
  std::function<ObjectLookup(const std::string& namespace_name)> lookup_in;
  std::function<std::vector<Json>(const std::string& namespace_name)> services;
  EventSink events;
  Log log;
};

/// Brings this node's pods to where their specs want them. Owns every PodRecord; one thread calls
/// it. Nothing here waits: containers' ends, probe verdicts and API changes come in as calls.
class PodWorker {
 public:
  explicit PodWorker(WorkerParts parts);

  /// What node-init already runs, after the agent's restart. Call first.
  void adopt(const proc::NodeContents& contents);
  /// The pod as the API has it now; null = it has it no more.
  void observe_pod(const std::string& key, const Json* pod);
  void observe_event(const proc::ContainerEvent& event);
  void observe_probe(const ProbeVerdict& verdict);
  /// Call once the API's pods are all observed: what is adopted but unknown is then torn down.
  void pods_synced();

  /// Brings the files of volumes up to date with their ConfigMaps and Secrets. Asks the API for
  /// each; to be called once a minute, as often as a kubelet does it.
  void refresh_volumes();

  /// Carries out every step that can be taken now; returns when to call again at the latest.
  std::optional<SteadyTime> sync();

 private:
  using Batch = std::vector<PodRecord*>;

  Result<std::map<std::string, Ipv4>> addresses_for(const std::vector<Attachment>& wanted);
  void make_sandboxes(const Batch& batch);
  void fail_pod(PodRecord& pod, const char* reason, const Error& error);
  void take_step(PodRecord& pod, const Step& step);
  void start_container(PodRecord& pod, ContainerRecord& container);
  Result<proc::ContainerStatus> try_start(PodRecord& pod, ContainerRecord& container);
  void stop_container(PodRecord& pod, ContainerRecord& container, int64_t grace_seconds);
  void run_pre_stop(const PodRecord& pod, const ContainerRecord& container, Millis grace);
  void run_post_start(const PodRecord& pod, const ContainerRecord& container);
  Hook hook_of(const PodRecord& pod, const ContainerRecord& container, const char* which) const;
  bool has_image(PodRecord& pod, ContainerRecord& container);
  void cannot_start(PodRecord& pod, ContainerRecord& container, const Error& error);
  void note_running(PodRecord& pod, ContainerRecord& container, const proc::ContainerStatus& s);
  void note_exit(PodRecord& pod, ContainerRecord& container, const proc::ContainerStatus& s);
  void tear_down(PodRecord& pod);
  void adopt_sandbox(const proc::SandboxStatus& sandbox, const proc::NodeContents& contents);
  void report(PodRecord& pod);
  /// Ends the pod when it has been active for longer than spec.activeDeadlineSeconds.
  void watch_deadline(PodRecord& pod, SteadyTime now);
  void compare_status(const PodRecord& pod);
  PodRecord* find_by_uid(const std::string& uid);
  void publish(const PodRecord& pod);
  void adopt_into(PodRecord& record);

  WorkerParts parts_;
  std::map<std::string, PodRecord> pods_;    ///< By uid.
  std::map<std::string, std::string> uids_;  ///< Key to uid of the newest pod of that name.
  std::map<std::string, Json> reported_;     ///< By uid: the status last handed to the writer.
  bool synced_ = false;
};

}  // namespace hoplab::agent
