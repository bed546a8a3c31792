#pragma once

#include <span>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/result.h"

namespace hoplab {

/// Waits until links that were just plugged in really pass packets. Of a veth pair, the end that
/// came up first drops everything (ARP answers too, which then cost the sender a second) until a
/// worker of the kernel has noticed the carrier. One system call per link brings that forward on
/// Linux >= 6.8; before, it is a matter of a few milliseconds. Links that are down, or whose other
/// end is, are waited for until the time is up. Call it after a batch of pods, with all their host
/// ends: about 2 us each. Fails with `timed_out` naming the link, `not_found` when one is gone.
Result<void> settle_links(int netns_fd, std::span<const std::string> links,
                          Millis timeout = Millis(500));

}  // namespace hoplab
