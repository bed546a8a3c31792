#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/tunnel/device.h"
#include "runtime/tunnel/outer_socket.h"
#include "runtime/tunnel/stats.h"
#include "runtime/tunnel/variant.h"

namespace hoplab::tunnel {

struct TunnelOptions {
  std::string name = "tunl0";
  uint32_t mtu = 1480;          ///< For a link that is made here; an existing one keeps its own.
  std::optional<Variant> only;  ///< Instead of the best one (tests, --variant).
  std::string stats_path;       ///< Where the counters are published; empty = nowhere.
};

/// One node's IP-in-IP tunnel in user space, where the kernel has no ipip module: makes the link if
/// it is not there and carries packets between it and a raw socket of protocol 4. The link, its
/// addresses, routes and neighbors outlive the process; a restart takes the same link again.
/// One thread; bound to the namespace of the thread that opens it.
class Tunnel {
 public:
  /// Fails with `unsupported` when the link exists and is something else.
  static Result<std::unique_ptr<Tunnel>> open(const TunnelOptions& options, Log log);
  ~Tunnel();

  [[nodiscard]] Variant variant() const { return variant_; }
  [[nodiscard]] Json statistics() const { return stats_.to_json(); }

  /// Carries packets until `stop_fd` is readable (then success) or the link is gone. With the
  /// kernel's tunnel there is nothing to carry: returns at once.
  Result<void> run(int stop_fd);

 private:
  class RouteWatch;
  Tunnel(Log log, std::string name, Variant variant, StatsFile stats);

  /// Each moves one batch; true when more may be waiting.
  Result<bool> carry_out();
  Result<bool> carry_in();
  void wrap(const Arrival& arrival);
  void flush();

  Log log_;
  std::string name_;
  Variant variant_;
  StatsFile stats_;
  std::unique_ptr<Device> device_;
  std::optional<OuterSocket> outer_;
  std::unique_ptr<RouteWatch> routes_;
  Segmenter segmenter_;
  // Kept between batches for their memory.
  std::vector<Arrival> arrivals_;
  std::vector<Bytes> pieces_;
  std::vector<OuterSocket::Packet> outgoing_;
  std::vector<Bytes> inner_;
  std::vector<Merged> merged_;
};

/// The other end of a tunl0 that is a veth pair.
std::string tunnel_peer_name(const std::string& name);

}  // namespace hoplab::tunnel
