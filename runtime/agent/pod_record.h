#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/ip.h"
#include "runtime/base/json.h"

/// The agent: kubelet and CNI of one node. It watches the pods bound to its node, asks node-init
/// for sandboxes and containers, wires the network, probes, and reports status.
namespace hoplab::agent {

/// How one run of a container ended.
struct Termination {
  int exit_code = 0;
  int signal = 0;
  std::string reason;  ///< "Completed", "Error", "OOMKilled", "ContainerCannotRun", …
  std::string message;
  WallTime started_at;
  WallTime finished_at;
  std::string container_id;
  bool operator==(const Termination&) const = default;
};

enum class ContainerPhase { waiting, running, exited };

/// One container of a pod as the agent knows it.
struct ContainerRecord {
  std::string name;
  bool init = false;
  ContainerPhase phase = ContainerPhase::waiting;
  std::string waiting_reason = "ContainerCreating";
  std::string waiting_message;
  std::string id;  ///< node-init's id of the current run; empty before the first.
  WallTime started_at;
  std::optional<Termination> ended;  ///< Of the current run, in phase exited.
  std::optional<Termination> last;   ///< Of the run before.
  int restarts = 0;
  bool ready = false;       ///< Result of the readiness probe, or running without one.
  bool started = false;     ///< Startup probe passed, or running without one.
  bool stopping = false;    ///< A stop was asked for; the exit is on its way.
  int64_t stop_grace = 0;   ///< With this grace, in seconds; a shorter one asks again.
  Millis back_off{0};       ///< Wait before the next start; 0 = none yet.
  Millis pull_back_off{0};  ///< The same between attempts to get the image.
  SteadyTime pull_at;       ///< No attempt before this.
  SteadyTime retry_at;      ///< Not before this.
};

/// One pod of this node as the agent knows it.
struct PodRecord {
  std::string namespace_name;
  std::string name;
  std::string uid;
  Json object;        ///< Last seen from the API.
  bool gone = false;  ///< The API has it no more; only the tear-down is left.

  std::string sandbox_id;  ///< Empty = none.
  std::string netns_path;
  std::optional<Ipv4> ip;
  bool network_ready = false;
  std::vector<ContainerRecord> containers;  ///< Init containers first, in order of the spec.

  std::string end_reason;  ///< Why the kubelet ended it: "DeadlineExceeded"; empty = it did not.
  std::string end_message;
  std::optional<SteadyTime> deadline;  ///< Of spec.activeDeadlineSeconds; only once it has started.
  Millis retry_wait{0};                ///< After a failed sandbox or mount; grows.
  SteadyTime retry_at;                 ///< Of the whole pod, then.
  bool torn_down = false;

  [[nodiscard]] std::string key() const { return namespace_name + "/" + name; }
  [[nodiscard]] bool deleting() const {
    return gone || !at_path(object, "metadata.deletionTimestamp").is_null();
  }
  [[nodiscard]] bool host_network() const { return bool_or(member(object, "spec"), "hostNetwork"); }
  ContainerRecord* find(const std::string& container_name);
  /// The container's own part of the spec (containers or initContainers).
  [[nodiscard]] const Json& spec_of(const ContainerRecord& container) const;
};

/// The part of the pod that an event about one container names: "spec.containers{web}",
/// "spec.initContainers{setup}"; empty for an event about the whole pod (empty name).
std::string field_path_of(const PodRecord& pod, const std::string& container);

/// A record for a pod just seen, every container waiting.
PodRecord make_record(const Json& pod);

}  // namespace hoplab::agent
