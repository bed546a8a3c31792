#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/tunnel/tunnel.h"

namespace hoplab::tunnel {

struct TunnelLink {
  Variant variant = Variant::veth;
  bool made = false;  ///< Just now: nobody has routes through it yet.
};

/// Decides who does IP in IP in the calling thread's namespace and makes the link if it is not
/// there. An existing link decides what it can: a restart never changes the link under routes, but
/// a veth pair serves eBPF programs as well as a process.
Result<TunnelLink> prepare_tunnel_link(const TunnelOptions& options, const Probe& found);

/// The next best after programs were refused: on the same link, or a better one when it was made
/// just now.
Result<TunnelLink> prepare_without_bpf(const TunnelOptions& options, const TunnelLink& link,
                                       Probe found);

}  // namespace hoplab::tunnel
