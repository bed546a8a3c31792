#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/netlink/monitor.h"
#include "runtime/netlink/socket.h"
#include "runtime/nft/firewall.h"
#include "runtime/plan/block_routes.h"
#include "runtime/plan/felix_rules.h"
#include "runtime/plan/pod_routes.h"

namespace hoplab::reconcile {

/// What the routes and the tunnel of a node should be.
struct NodeNetwork {
  plan::BlockRoutesInput routes;
  std::optional<Ipv4> tunnel_address;  ///< None when no pool encapsulates.
  uint32_t tunnel_mtu = 1480;
  bool operator==(const NodeNetwork&) const = default;
};

/// calico-node's hands: the network of one node, in the namespace of the thread that opens it.
/// Every call looks first and changes only what differs. One thread.
class CalicoKernel {
 public:
  static Result<CalicoKernel> open();

  /// For poll(2); then interesting().
  [[nodiscard]] int events_fd() const { return monitor_.fd(); }
  /// Reads the waiting events; true when one of them concerns the tunnel, our routes or the uplink
  /// (and not merely a pod's link, which are many).
  Result<bool> interesting(const plan::BlockRoutesInput& routes);

  /// The address of the link that holds `node`, with its length, and the default gateway; for the
  /// input above. `not_found` when no link has it.
  struct Uplink {
    std::string link;
    Prefix address;
    uint32_t mtu = 0;
    std::optional<Ipv4> gateway;
  };
  Result<Uplink> find_uplink(Ipv4 node);

  struct Synced {
    std::vector<Operation> done;         ///< What had to be changed.
    std::vector<std::string> conflicts;  ///< What could not, because it is somebody else's.
    bool tunnel_missing = false;         ///< tunl0 is not there yet; the rest is done.
  };
  /// ip_forward, the tunnel's address, neighbors, routes.
  Result<Synced> sync_network(const NodeNetwork& wanted);
  /// The routes that these pods lack though their links are there.
  Result<std::vector<Operation>> missing_pod_routes(const std::vector<plan::LocalPod>& pods);
  Result<void> apply(const std::vector<Operation>& operations);
  /// The ipsets and rules; the number of changes.
  Result<size_t> sync_rules(plan::FelixRulesInput input);
  /// Forgets connections from and to addresses that no pod has any more.
  Result<size_t> forget_connections(const std::set<Ipv4>& addresses);

 private:
  CalicoKernel(NetlinkMonitor monitor, NetlinkSocket route, NetlinkSocket netfilter,
               nft::Firewall firewall);
  /// False when the kernel has no ipset.
  Result<bool> sync_sets(const plan::FelixRulesInput& input);

  NetlinkMonitor monitor_;
  NetlinkSocket route_;
  NetlinkSocket netfilter_;
  nft::Firewall firewall_;
};

}  // namespace hoplab::reconcile
