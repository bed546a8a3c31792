#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "runtime/agent/pod_status.h"
#include "runtime/base/fd.h"
#include "runtime/base/log.h"
#include "store/source.h"

namespace hoplab::agent {

/// What the node says about itself.
struct NodeDescription {
  NodeFacts facts;
  std::string cluster;  ///< Its name; with the node's it makes machineID and systemUUID.
  bool control_plane = false;
  std::string pod_cidr;               ///< May be empty.
  uint8_t subnet_length = 24;         ///< Of the network that the node's address lies in.
  std::optional<Prefix> first_block;  ///< The node's first IPAM block, if the cluster pins it.
  std::string kubelet_version;        ///< "v1.22.6"
  std::string cni_folder;             ///< Ready once a *.conflist lies here.
  int64_t max_pods = 2000;
  Millis lease{40'000};          ///< Silent for so long, the node counts as lost.
  Millis report_after{300'000};  ///< The status is written so often even when nothing changed.
};

/// Reason and message of an event about the node.
using TellNode = std::function<void(const std::string& reason, const std::string& message)>;

/// Registers the Node object, renews its Lease four times in its duration, and turns it Ready as
/// soon as the network plugin has left its configuration (inotify, no polling). With each renewal
/// the API's state is compared with ours: what somebody else has written into it meanwhile (node
/// lifecycle judges a silent node) is put right. One thread of its own.
class NodeReporter {
 public:
  /// `tell` is called from the reporter's thread, which starts at once.
  NodeReporter(Source& source, NodeDescription node, TellNode tell, Log log);
  NodeReporter(const NodeReporter&) = delete;
  NodeReporter& operator=(const NodeReporter&) = delete;
  ~NodeReporter();

 private:
  void run();
  bool register_node();
  /// Compares with the API and writes what differs; false = try again soon.
  bool report(bool ready);
  void renew_lease();
  [[nodiscard]] bool network_ready() const;
  [[nodiscard]] bool wait_for_change(int watch_fd, Millis timeout) const;

  Source& source_;
  NodeDescription node_;
  TellNode tell_;
  Log log_;
  Fd wake_;                ///< eventfd: stop.
  SteadyTime written_at_;  ///< When the status was last written.
  std::jthread thread_;
};

/// The Node object as kubelet registers it (without status). Pure.
Json make_node(const NodeDescription& node);
/// The Node's status. `previous` keeps transition times. Pure but for uname(2) and sysinfo(2).
/// Conditions of other types in `previous` (NetworkUnavailable) are theirs who wrote them: they
/// stay.
Json make_node_status(const NodeDescription& node, bool network_ready, const Json& previous,
                      WallTime now);
/// Whether `current` says all that `wanted` says, but for the heartbeat's times.
bool same_node_status(const Json& wanted, const Json& current);

}  // namespace hoplab::agent
