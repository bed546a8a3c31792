#pragma once

#include <map>
#include <string>
#include <vector>

#include "cmd/running_cluster.h"
#include "cmd/why_presence.h"
#include "cmd/why_report.h"
#include "runtime/plan/calico_view.h"
#include "web/client.h"

/// What `hoplab why` looks at: the cluster's objects and its kernels. One thread: the process moves
/// into the sandbox's namespaces and can only print and end afterwards.
namespace hoplab::cmd {

struct WhyRequest {
  std::string kind;  ///< "pod", "service" or "node".
  std::string name;
  std::string namespace_name;
};

/// The objects that the planners read, all read before any kernel.
struct WhyObjects {
  std::vector<Json> nodes, pods, services, slices, pools, blocks;

  [[nodiscard]] std::vector<plan::RouteNode> route_nodes() const;
  [[nodiscard]] std::vector<plan::PoolView> pool_views() const;
  [[nodiscard]] std::vector<plan::BlockOwner> block_owners() const;
  /// The object, or null. An empty namespace is for kinds that live in none.
  static const Json* find(const std::vector<Json>& objects, const std::string& namespace_name,
                          const std::string& name);
};
Result<WhyObjects> load_why_objects(const std::string& kubeconfig);

/// The hosts' namespaces. After open() the process is in the sandbox's user and network namespace.
class WhyKernels {
 public:
  static Result<WhyKernels> open(const RunningCluster& cluster);

  /// Of the host's network namespace ("" = the sandbox's own), with these sysctls.
  Result<LiveNetwork> observe(const std::string& host, const std::vector<std::string>& sysctls);
  /// Every rule in the nat and filter tables of a host.
  Result<nft::ObservedRuleset> observe_rules(const std::string& host);
  /// A pod's own namespace by its sandbox, and the pid that holds it, as the node counts. Goes into
  /// the node's file system: nothing can be observed after it. `not_found` without such a sandbox.
  struct PodKernel {
    LiveNetwork network;
    pid_t pid = 0;
  };
  Result<PodKernel> observe_pod(const std::string& host, const std::string& sandbox_id,
                                const std::vector<std::string>& sysctls);

 private:
  [[nodiscard]] Result<int> netns_of(const std::string& host) const;
  std::map<std::string, proc::Entrance> hosts_;
};

// What each kind's file defines.
Result<WhyReport> why_pod(const WhyRequest& request, const WhyObjects& objects,
                          WhyKernels& kernels);
Result<WhyReport> why_service(const WhyRequest& request, const RunningCluster& cluster,
                              const WhyObjects& objects, WhyKernels& kernels);
Result<WhyReport> why_node(const WhyRequest& request, const RunningCluster& cluster,
                           const WhyObjects& objects, WhyKernels& kernels);

/// "HOST: type these in `hoplab shell HOST`".
std::string typed_in(const std::string& host);
/// A rule item, with its presence on this host.
WhyItem rule_item(const nft::ObservedRuleset& live, const std::string& owner,
                  const std::string& table, const std::string& chain, const Rule& rule,
                  const std::string& reason);

}  // namespace hoplab::cmd
