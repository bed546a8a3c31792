#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/agent/environment.h"
#include "runtime/agent/host_paths.h"
#include "runtime/agent/volume_files.h"

namespace hoplab::agent {

/// A mount for one container: a path of the node appears in the container.
struct VolumeMount {
  std::string host_path;
  std::string container_path;
  bool read_only = false;
  bool no_links = false;  ///< As proc::Mount's.
  bool operator==(const VolumeMount&) const = default;
};

/// Makes a token for the pod's service account (bound to the pod), for projected volumes.
using TokenSource = std::function<Result<std::string>(const PodRecord&)>;

/// The pod's volumes on disk, below `root`/<uid>/volumes/kubernetes.io~<kind>/<name>. emptyDir,
/// configMap, secret, downwardAPI, projected (token, configMap, secret, downwardAPI) and hostPath
/// (as far as HostPaths lets it).
/// Errors are kubelet's texts for FailedMount.
class Volumes {
 public:
  Volumes(std::string root, NodeFacts node, TokenSource tokens, HostPaths host_paths = {});

  /// Who owns what: an fsGroup that exists here. Others are left out, and said in an event.
  static std::optional<uint32_t> usable_fs_group(const PodRecord& pod);
  /// Writes what the pod's volumes need. Safe to repeat.
  Result<void> prepare(const PodRecord& pod, const ObjectLookup& lookup) const;
  /// Brings volumes whose sources may have changed up to date, while containers use them. Those
  /// with a token of the service account are left alone: it does not change.
  Result<void> refresh(const PodRecord& pod, const ObjectLookup& lookup) const;
  /// The mounts of one container, in order of volumeMounts; subPath is honoured.
  [[nodiscard]] Result<std::vector<VolumeMount>> mounts(const PodRecord& pod,
                                                        const Json& container) const;
  /// The file of the node that one run of a container sees at its terminationMessagePath.
  [[nodiscard]] std::string message_file(const PodRecord& pod, const std::string& container,
                                         const std::string& container_id) const;
  /// Removes everything below the pod's folder.
  void remove(const std::string& pod_uid) const;
  [[nodiscard]] std::string pod_folder(const std::string& pod_uid) const;

 private:
  [[nodiscard]] std::string path_of(const PodRecord& pod, const Json& volume) const;
  Result<void> prepare_one(const PodRecord& pod, const Json& volume,
                           const ObjectLookup& lookup) const;
  Result<void> prepare_files(const PodRecord& pod, const Json& volume,
                             const ObjectLookup& lookup) const;
  Result<void> add_source(const PodRecord& pod, const Json& source, unsigned default_mode,
                          const ObjectLookup& lookup, VolumeFiles& out) const;
  Result<void> add_downward(const PodRecord& pod, const Json& source, unsigned default_mode,
                            VolumeFiles& out) const;

  std::string root_;
  NodeFacts node_;
  TokenSource tokens_;
  HostPaths host_paths_;
};

}  // namespace hoplab::agent
