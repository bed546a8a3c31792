#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/netlink/monitor.h"
#include "runtime/netlink/socket.h"
#include "runtime/tunnel/bpf_plan.h"
#include "runtime/tunnel/bpf_program.h"
#include "runtime/tunnel/ipip_programs.h"

namespace hoplab::tunnel {

/// IP in IP by two eBPF programs (ipip_programs.h): keeps them attached to the tunnel's peer and to
/// the uplink, with the node's present address. The kernel carries the packets: they flow on when
/// this object, or the process, is gone. One thread; bound to the namespace it was opened in.
///
/// The device is a veth pair named tunl0 rather than a TUN: packets leave it before the program
/// sees them (ipip_programs.h says what that gives), it counts both directions, needs no
/// /dev/net/tun and no process that holds it, and another variant can take it over in place. Its
/// price: `ip link` shows link/ether where the kernel's own tunnel shows link/ipip.
class BpfTunnel {
 public:
  /// `name` and its peer exist. Loads and attaches what is not there yet; fails when the kernel
  /// refuses the programs or the filters.
  static Result<std::unique_ptr<BpfTunnel>> open(const std::string& name, const Log& log);

  /// Until `stop_fd` is readable: repairs what others change, follows the node's address. Fails
  /// when the tunnel's link is gone.
  Result<void> run(int stop_fd);

 private:
  BpfTunnel(std::string name, Log log, NetlinkSocket socket, NetlinkMonitor monitor);
  Result<void> converge();
  Result<void> load(const IpipConstants& constants);
  [[nodiscard]] bool concerns(const NetlinkEvent& event) const;

  std::string name_;
  Log log_;
  NetlinkSocket socket_;
  NetlinkMonitor monitor_;
  std::optional<Uplink> uplink_;
  IpipConstants constants_;  ///< Of the programs below.
  std::optional<bpf::Program> encap_, decap_;
};

/// Whether the kernel lets this process load programs. The error says what it said.
Result<void> may_load_programs();

/// What the namespace's tunnel has carried, from the counters of its links; the shape of
/// StatsFile::to_json().
Result<Json> bpf_statistics(const std::string& name);

/// Undoes open() for another variant.
Result<void> detach_bpf(NetlinkSocket& socket, const std::string& name);

}  // namespace hoplab::tunnel
