#pragma once

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
  bool control_plane = false;
  std::string pod_cidr;               ///< May be empty.
  uint8_t subnet_length = 24;         ///< Of the network that the node's address lies in.
  std::optional<Prefix> first_block;  ///< The node's first IPAM block, if the cluster pins it.
  std::string kubelet_version;        ///< "v1.22.6"
  std::string cni_folder;             ///< Ready once a *.conflist lies here.
  int64_t max_pods = 2000;
};

/// Registers the Node object, renews its Lease every 10 s, and turns it Ready as soon as the
/// network plugin has left its configuration (inotify, no polling). One thread of its own.
class NodeReporter {
 public:
  NodeReporter(Source& source, NodeDescription node, Log log);
  NodeReporter(const NodeReporter&) = delete;
  NodeReporter& operator=(const NodeReporter&) = delete;
  ~NodeReporter();

 private:
  void run();
  bool register_node();
  bool report(bool ready);
  void renew_lease();
  [[nodiscard]] bool network_ready() const;
  [[nodiscard]] bool wait_for_change(int watch_fd, Millis timeout) const;

  Source& source_;
  NodeDescription node_;
  Log log_;
  Fd wake_;  ///< eventfd: stop.
  std::jthread thread_;
};

/// The Node object as kubelet registers it (without status). Pure.
Json make_node(const NodeDescription& node);
/// The Node's status. `previous` keeps transition times. Pure but for uname(2) and sysinfo(2).
Json make_node_status(const NodeDescription& node, bool network_ready, const Json& previous,
                      WallTime now);

}  // namespace hoplab::agent
