#pragma once

#include <string>

#include "runtime/base/fd.h"
#include "runtime/base/ip.h"
#include "runtime/base/result.h"

namespace hoplab::engine {

struct RelayTarget {
  Ipv4 ip;
  uint16_t port = 0;
};

/// What docker-proxy does: every connection to the listener becomes one to the target, bytes go
/// both ways, and an end of one direction is passed on. A thread per connection, at most 200.
/// Returns when `until` is readable or closed.
Result<void> relay_connections(const Fd& listener, RelayTarget target, int until);

}  // namespace hoplab::engine
