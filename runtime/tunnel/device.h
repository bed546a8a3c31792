#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/model/route.h"
#include "runtime/tunnel/coalesce.h"
#include "runtime/tunnel/packet.h"

namespace hoplab::tunnel {

/// A packet that the node routed into the tunnel.
struct Arrival {
  Offload offload;
  Bytes packet;
  Ipv4 next_hop;  ///< The node it goes to; unspecified when no route says so.
};

/// The pods' side of the tunnel: the link named tunl0. One thread. Bound to the network namespace
/// in which it was opened.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;
  /// Readable when packets wait.
  [[nodiscard]] virtual int fd() const = 0;
  /// Appends up to a batch of waiting packets; they are valid until the next call. None waiting is
  /// no error; the link being gone is.
  virtual Result<void> receive(std::vector<Arrival>& out) = 0;
  /// Gives inner packets to the node's IP stack; returns how many it took.
  virtual size_t send(std::span<const Merged> packets) = 0;
  /// Routes through the link, whenever they change, for a device that is not told the next hop.
  virtual void set_routes(const std::vector<Route>& routes) = 0;
  [[nodiscard]] virtual bool needs_routes() const = 0;
};

/// A TUN device (made persistent: its addresses and routes outlive this process). It looks like
/// the kernel's: link/ipip. Attaches to an existing one of the name.
Result<std::unique_ptr<Device>> open_tun_device(const std::string& name);
/// An AF_PACKET socket on `peer`, the other end of the veth pair `name`; both exist and are up.
Result<std::unique_ptr<Device>> open_packet_device(const std::string& name,
                                                   const std::string& peer);

}  // namespace hoplab::tunnel
