#pragma once

#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/proc/container_types.h"

namespace hoplab::proc {

/// One container's place in the resource controllers. Made before the process starts; the process
/// joins through `join_files`.
struct ContainerCgroup {
  std::vector<std::string> directories;
  std::vector<Fd> join_files;      ///< Write "0" to each to join.
  std::vector<std::string> notes;  ///< Limits that could not be set, and why.
};

/// The resource controllers that this process can use, version 1 or 2, each looked for on its own
/// (facts/kernel.md P8): in the mounts of this mount namespace, else by mounting it below
/// `scratch`. Not thread-safe.
class CgroupControllers {
 public:
  /// `name` is the directory made in each hierarchy for this node ("hoplab-k8s.k8s-w1"); what an
  /// earlier node of the name left there is removed. Never fails: a controller that cannot be used
  /// is remembered with its reason.
  static CgroupControllers find(const std::string& name, const std::string& scratch);

  /// Makes the container's cgroups for the limits that are set; nothing when there are none.
  ContainerCgroup create(const std::string& container_id, const ResourceSpec& limits) const;
  /// How many of the container's processes the kernel killed for memory.
  [[nodiscard]] int64_t oom_kills(const ContainerCgroup& cgroup) const;
  static void remove(const ContainerCgroup& cgroup);
  /// Removes the node's own directories; call when no container is left.
  void remove_all() const;

 private:
  struct Controller {
    int version = 0;     ///< 0 = not usable.
    std::string parent;  ///< The node's directory.
    std::string reason;  ///< Why not.
  };

  Controller memory_;
  Controller cpu_;
  Controller pids_;
};

/// What the cgroup directories of a cluster's nodes begin with: "hoplab-k8s.". A cluster's name
/// holds no '.', so that no other cluster's directory begins like this.
std::string cluster_cgroup_prefix(const std::string& cluster);

/// Removes every cgroup directory of a node name in the hierarchies mounted here.
void remove_node_cgroups(const std::string& name);

/// The same for all nodes of a cluster, whatever is known of them; for `down`, after the cluster's
/// processes are gone.
void remove_cluster_cgroups(const std::string& cluster);

}  // namespace hoplab::proc
