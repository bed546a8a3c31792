#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/agent/pod_record.h"
#include "runtime/base/locked.h"
#include "runtime/base/result.h"

namespace hoplab::agent {

/// What exec, attach, logs and port-forward have to know about this node's pods. The worker writes
/// it as it goes; whoever asks never waits for the worker, which may be waiting for the API.
/// Thread-safe.
class PodDirectory {
 public:
  /// For exec, attach and logs: the current container id; or why there is none.
  struct ContainerHandle {
    std::string id;
    std::string log_path;
    std::string previous_log_path;
    bool running = false;
    bool tty = false;
    bool stdin_open = false;
    bool operator==(const ContainerHandle&) const = default;
  };

  /// The newest pod of its name, as it is now.
  void publish(const PodRecord& pod);
  /// The pod is no more; nothing happens when another one has taken its name.
  void forget(const PodRecord& pod);

  /// An empty container name is the first one that is no init container.
  [[nodiscard]] Result<ContainerHandle> find_container(const std::string& namespace_name,
                                                       const std::string& pod,
                                                       const std::string& container) const;
  /// Path of a running pod's network namespace.
  [[nodiscard]] Result<std::string> find_netns(const std::string& namespace_name,
                                               const std::string& pod) const;

 private:
  struct Container {
    std::string name;
    bool init = false;
    std::string waiting_reason;
    ContainerHandle handle;
  };
  struct Pod {
    std::string uid;
    std::string netns_path;
    std::vector<Container> containers;
  };
  [[nodiscard]] Result<Pod> find_pod(const std::string& namespace_name,
                                     const std::string& pod) const;
  static Container describe(const PodRecord& pod, const ContainerRecord& container);

  mutable Locked<std::map<std::string, Pod>> pods_;  ///< By "namespace/name".
};

}  // namespace hoplab::agent
