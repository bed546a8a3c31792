#include "runtime/reconcile/stale_flows.h"

#include <algorithm>

namespace hoplab::reconcile {

namespace {

/// One filter for each way in: cluster IP, external and balancer IPs, node port.
void add_entries(const plan::ServicePort& port, std::optional<Ipv4> endpoint,
                 std::vector<ConntrackFilter>& out) {
  std::vector<Ipv4> addresses{port.cluster_ip};
  addresses.insert(addresses.end(), port.external_ips.begin(), port.external_ips.end());
  addresses.insert(addresses.end(), port.load_balancer_ips.begin(), port.load_balancer_ips.end());
  ConntrackFilter filter;
  filter.protocol = port.protocol;
  filter.reply_source = endpoint;
  filter.original_destination_port = port.port;
  for (Ipv4 address : addresses) {
    filter.original_destination = address;
    out.push_back(filter);
  }
  if (port.node_port == 0) return;
  filter.original_destination.reset();
  filter.original_destination_port = port.node_port;
  out.push_back(filter);
}

}  // namespace

std::vector<ConntrackFilter> stale_flows(const plan::ServicePort* before,
                                         const plan::ServicePort* now) {
  std::vector<ConntrackFilter> out;
  if (before == nullptr) {
    // A client that asked before the service existed: its flow leads where no service was.
    const bool udp = now != nullptr && now->protocol == protocol::udp;
    if (udp && !now->endpoints.empty()) add_entries(*now, std::nullopt, out);
    return out;
  }
  if (before->protocol != protocol::udp) return out;
  const bool moved = now == nullptr || now->cluster_ip != before->cluster_ip ||
                     now->port != before->port || now->protocol != before->protocol ||
                     now->node_port != before->node_port;
  const bool began = now != nullptr && before->endpoints.empty() && !now->endpoints.empty();
  if (moved || began) {
    add_entries(*before, std::nullopt, out);
    return out;
  }
  for (const plan::ServiceEndpoint& endpoint : before->endpoints) {
    const auto same = [&](const plan::ServiceEndpoint& other) {
      return other.ip == endpoint.ip && other.port == endpoint.port;
    };
    if (std::any_of(now->endpoints.begin(), now->endpoints.end(), same)) continue;
    add_entries(*before, endpoint.ip, out);
  }
  return out;
}

}  // namespace hoplab::reconcile
