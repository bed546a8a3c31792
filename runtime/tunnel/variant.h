#pragma once

#include <string>
#include <string_view>

namespace hoplab::tunnel {

/// Who does IP in IP on this machine. All three have the same wire format and the same routes.
enum class Variant {
  kernel,  ///< The kernel's ipip module: tunl0 is its fallback device, no process is needed.
  tun,     ///< `hoplab tunnel` on a TUN device named tunl0.
  veth,    ///< `hoplab tunnel` on a veth pair named tunl0, where /dev/net/tun cannot be opened.
};
std::string_view to_string(Variant variant);

/// What was found out about the machine.
struct Probe {
  bool kernel_ipip = false;
  bool dev_net_tun = false;
  std::string dev_net_tun_problem;  ///< "Permission denied (EACCES)" when it does not open.
};
/// Looks at /sys/module/ipip and opens /dev/net/tun once. Loads no module: with the module loaded,
/// every new network namespace has a tunl0 of its own. Safe from any thread.
Probe probe();

/// The choice and why, for `status` and `doctor`.
struct Choice {
  Variant variant = Variant::veth;
  std::string message;  ///< One sentence: what does IP in IP here and why not something better.
  std::string repair;   ///< The command that makes it better; empty when it is best already.
};
/// Pure: kernel before TUN before veth.
Choice choose(const Probe& probe);

/// The veth pair carries the next hop in the destination MAC address, so its routes need the
/// permanent neighbors of plan::plan_tunnel_neighbors.
inline bool needs_neighbors(Variant variant) {
  return variant == Variant::veth;
}

}  // namespace hoplab::tunnel
