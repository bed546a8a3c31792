#pragma once

#include <map>
#include <vector>

#include "runtime/netlink/conntrack.h"
#include "runtime/plan/services.h"

namespace hoplab::reconcile {

/// UDP flows that must be forgotten when one service port changes from `before` to `now` (null:
/// there is none). NAT is decided at a flow's first packet and a UDP client may never stop, so it
/// would go on talking to an endpoint that is gone, or to nobody after endpoints have come
/// (facts/services.md 1.4, 10). TCP ends by itself. Pure.
std::vector<ConntrackFilter> stale_flows(const plan::ServicePort* before,
                                         const plan::ServicePort* now);

}  // namespace hoplab::reconcile
