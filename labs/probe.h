#pragma once

#include <string>
#include <string_view>

#include "labs/view.h"
#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace hoplab::labs {

// Real packets, sent from a socket of the namespace behind the descriptor; the calling thread is
// back in its own namespace on return. Blocking, within a limit.

/// Sends one echo request and waits for what comes back. Needs CAP_NET_RAW there.
Result<PingAnswer> ping(int netns_fd, Ipv4 to, Millis patience);
/// How long the answer we hope for may take: the kernel gives up on ARP after three seconds.
Millis ping_patience(std::string_view answer);

/// The answer to GET / with its head, at most 64 kB; an error says how far it came.
Result<std::string> get_page(int netns_fd, Ipv4 to, uint16_t port);

}  // namespace hoplab::labs
