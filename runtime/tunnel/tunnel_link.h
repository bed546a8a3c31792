#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/tunnel/tunnel.h"

namespace hoplab::tunnel {

/// Decides who does IP in IP in the calling thread's namespace and makes the link if it is not
/// there. An existing link decides for itself: a restart never changes the variant under routes.
Result<Variant> prepare_tunnel_link(const TunnelOptions& options);

}  // namespace hoplab::tunnel
