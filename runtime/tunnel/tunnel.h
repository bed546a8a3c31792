#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/log.h"
#include "runtime/base/result.h"
#include "runtime/tunnel/bpf_tunnel.h"
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

/// One node's IP-in-IP tunnel where the kernel has no ipip module: makes the link if it is not
/// there and has eBPF programs carry the packets (then they flow without this process, too), or
/// carries them itself between the link and a raw socket of protocol 4. The link, its addresses,
/// routes and neighbors outlive the process; a restart takes the same link again. One thread; bound
/// to the namespace of the thread that opens it.
class Tunnel {
 public:
  /// Fails with `unsupported` when the link exists and is something else. When the kernel refuses
  /// the programs after all, the next variant is taken and the log says why.
  static Result<std::unique_ptr<Tunnel>> open(const TunnelOptions& options, Log log);
  ~Tunnel();

  [[nodiscard]] Variant variant() const { return variant_; }
  [[nodiscard]] Json statistics() const;

  /// Carries packets, or keeps the programs that do, until `stop_fd` is readable (then success) or
  /// the link is gone. With the
  /// kernel's tunnel there is nothing to carry: returns at once.
  Result<void> run(int stop_fd);

 private:
  class RouteWatch;
  Tunnel(Log log, std::string name, Variant variant, StatsFile stats);
  Result<void> open_device();

  /// Each moves one batch; true when more may be waiting.
  Result<bool> carry_out();
  Result<bool> carry_in();
  void wrap(const Arrival& arrival);
  void flush();

  Log log_;
  std::string name_;
  Variant variant_;
  StatsFile stats_;
  std::unique_ptr<BpfTunnel> bpf_;  ///< Of that variant only; the others have the rest.
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

/// What the tunnel of the calling thread's namespace has carried and dropped, whether its process
/// runs or not: {"variant": "veth", "out": {"packets": …}, …}. Fails with `not_found` when no
/// tunnel ever ran here.
Result<Json> read_statistics(const TunnelOptions& options);

}  // namespace hoplab::tunnel
