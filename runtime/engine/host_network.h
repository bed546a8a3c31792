#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/engine/bridge_rules.h"
#include "runtime/engine/types.h"
#include "runtime/netlink/socket.h"
#include "runtime/nft/firewall.h"

namespace hoplab::engine {

/// The kernel side of the engine's networks, in the namespace it was opened in. No state of its
/// own but the sockets: what is there already is left as it is. One thread at a time.
class HostNetwork {
 public:
  static Result<HostNetwork> open();

  /// Routing on; and where it was off, FORWARD's policy DROP, as docker does: a host that routed
  /// already decided otherwise.
  Result<void> prepare();
  /// The bridge, with its address and up. Mends what is there.
  Result<void> ensure_bridge(const Network& network);
  Result<void> remove_bridge(const Network& network);
  /// The networks that the host has routes to.
  Result<std::vector<Prefix>> routes();

  struct Attachment {
    const Network* network;
    const Endpoint* endpoint;
    bool default_route;
  };
  /// Plugs one container in. After a failure nothing is left plugged in.
  Result<void> attach(const Fd& netns, std::span<const Attachment> attachments);
  /// The container's way out is from now on through this attachment.
  static Result<void> set_way_out(const Fd& netns, const Attachment& attachment);
  /// Fine when they are gone.
  Result<void> detach(std::span<const std::string> host_links);
  Result<void> sync_rules(std::span<const Network> networks,
                          std::span<const Forwarding> forwardings);

 private:
  HostNetwork(NetlinkSocket route, nft::Firewall firewall)
      : route_(std::move(route)), firewall_(std::move(firewall)) {}

  NetlinkSocket route_;
  nft::Firewall firewall_;
};

}  // namespace hoplab::engine
