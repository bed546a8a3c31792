#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace hoplab::tunnel {

/// Who does IP in IP on this machine, best first. All have the same wire format and the same
/// routes.
enum class Variant {
  kernel,  ///< The kernel's ipip module: tunl0 is its fallback device, no process is needed.
  bpf,     ///< Two eBPF programs in the kernel behind a veth pair named tunl0 (bpf_tunnel.h); root.
  tun,     ///< `hoplab tunnel` on a TUN device named tunl0.
  veth,    ///< `hoplab tunnel` on a veth pair named tunl0, where /dev/net/tun cannot be opened.
};
std::string_view to_string(Variant variant);
/// Of its name; nullopt for others.
std::optional<Variant> parse_variant(std::string_view name);
/// Of those a person may ask for with --tunnel: `--tunnel takes bpf, tun or veth, not "x"`.
Result<void> check_wish(std::string_view name);

/// The other end of a tunl0 that is a veth pair.
std::string tunnel_peer_name(const std::string& name);

/// What was found out about the machine.
struct Probe {
  bool kernel_ipip = false;
  bool bpf = false;
  std::string bpf_problem;  ///< "load the eBPF program …: Operation not permitted (EPERM)".
  bool dev_net_tun = false;
  std::string dev_net_tun_problem;  ///< "Permission denied (EACCES)" when it does not open.
};
bool has_kernel_ipip();
/// Looks at /sys/module/ipip, loads an eBPF program that does nothing and opens /dev/net/tun once.
/// Loads no module: with the module loaded, every new network namespace has a tunl0 of its own.
/// Safe from any thread.
Probe probe();

/// The choice and why, for `status` and `doctor`.
struct Choice {
  Variant variant = Variant::veth;
  std::string message;  ///< One sentence: what does IP in IP here and why not something better.
  std::string repair;   ///< The command that makes it better; empty when it is best already.
};
/// Pure: kernel before eBPF before TUN before veth. `only`: insisted on, unless the kernel has it.
Choice choose(const Probe& probe, std::optional<Variant> only = std::nullopt);

/// Whether it works here; the error says what the kernel said. Pure.
Result<void> can_use(Variant variant, const Probe& probe);

/// The process on a veth pair reads the next hop from the destination MAC address, so its routes
/// need the permanent neighbors of plan::plan_tunnel_neighbors.
inline bool needs_neighbors(Variant variant) {
  return variant == Variant::veth;
}

}  // namespace hoplab::tunnel
