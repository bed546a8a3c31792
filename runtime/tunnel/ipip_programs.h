#pragma once

#include <cstdint>

#include "runtime/base/ip.h"
#include "runtime/tunnel/bpf_code.h"

/// The two eBPF programs that do IP in IP inside the kernel.
///
///   pod -> routes -> tunl0 ══ tunl0-peer -> [encap] -> uplink -> wire
///   wire -> uplink -> [decap] -> tunl0-peer ══ tunl0 -> routes -> pod
///
/// encap sits on the ingress of tunl0-peer, not on the egress of tunl0: there a packet has already
/// left tunl0, so `tcpdump -i tunl0` has seen it, tunl0's counters have counted it, and, as tunl0
/// has no offloads, the kernel has cut it into segments and filled in its checksums. So what is
/// captured on the uplink is what a wire would carry. (On the egress of tunl0 the program would
/// come before all of that, and only the uplink's own offloads could be turned off instead, for
/// everybody's packets.)
///
/// That has a price: each segment travels on its own, so bulk TCP is four to six times slower than
/// with `ethtool -K tunl0 tx on`, one to two times as fast as by a process. A learner may turn it
/// on (the uplink then shows frames of 64 KiB with "incorrect" checksums); a restart turns it off.
/// Round trips do not change (tests/bench/tunnel_bench.cc).
///
/// They treat a packet as the kernel's ipip module does with its tunl0 (`ip -d link`: "ttl inherit
/// nopmtudisc"): the outer TTL and DF are the inner ones, of the outer TOS only the ECN bits are
/// the inner ones, the node comes from the gateway of the route through tunl0. Too-big packets are
/// answered by the kernel's routing, before tunl0, from tunl0's MTU. Differences: outer packets do
/// not pass the node's INPUT and OUTPUT chains; fragments of outer packets are not put together
/// (they are left to the kernel); an ICMP error for an outer packet changes no path MTU.
namespace hoplab::tunnel {

/// What is patched into the instructions. Constants instead of a map: there is nothing to find
/// again after a restart, and the kernel's hash of the instructions says whether a program that is
/// attached is the one wanted. They change only when somebody re-plugs the node.
struct IpipConstants {
  Ipv4 local;          ///< The node's address on the uplink.
  int32_t uplink = 0;  ///< Index of the link that outer packets leave by.
  int32_t tunnel = 0;  ///< Of tunl0,
  int32_t peer = 0;    ///< and of its other end.
  Mac tunnel_mac;      ///< tunl0's own: what comes out of it must be addressed to it.
  bool operator==(const IpipConstants&) const = default;
};

/// For the ingress of the tunnel's peer.
bpf::Code encap_program(const IpipConstants& constants);
/// For the ingress of the uplink. What is not a whole IP-in-IP packet for this node passes.
bpf::Code decap_program(const IpipConstants& constants);

}  // namespace hoplab::tunnel
