#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/result.h"
#include "runtime/tunnel/packet.h"

namespace hoplab::tunnel {

/// The nodes' side of the tunnel: a raw socket of protocol 4. The kernel adds and removes the outer
/// header, chooses its source address by route and fragments where the path demands it; packets
/// pass the INPUT and OUTPUT chains. One thread; bound to the namespace it was opened in.
class OuterSocket {
 public:
  static constexpr size_t batch = 64;

  static Result<OuterSocket> open();

  [[nodiscard]] int fd() const { return socket_.get(); }

  /// Sends each packet inside an outer one to its node, with the inner TTL and, of its TOS, the ECN
  /// bits, as the kernel's tunl0 does. Returns how many were sent.
  struct Packet {
    Ipv4 node;
    Bytes inner;
  };
  size_t send(const std::vector<Packet>& packets);

  /// Waiting packets, unwrapped; valid until the next call. `malformed` counts those that were
  /// none. Empty when nothing waits.
  Result<void> receive(std::vector<Bytes>& inner, size_t& malformed);

 private:
  static constexpr size_t slot_bytes = 65536;
  static constexpr size_t control_bytes = 2 * CMSG_SPACE(sizeof(int));
  struct Outgoing {
    sockaddr_in to{};
    iovec piece{};
    alignas(cmsghdr) std::array<unsigned char, control_bytes> control{};
  };

  explicit OuterSocket(Fd socket);

  Fd socket_;
  PacketBuffer slots_;
  std::vector<iovec> read_pieces_;
  std::vector<mmsghdr> reads_;
  std::vector<Outgoing> outgoing_;
  std::vector<mmsghdr> writes_;
};

}  // namespace hoplab::tunnel
