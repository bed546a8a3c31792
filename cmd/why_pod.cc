// `hoplab why pod`: its cable, its address and the routes that lead to it.

#include <algorithm>
#include <set>

#include "cmd/why_cluster.h"
#include "runtime/base/text.h"
#include "runtime/plan/explain_pod.h"
#include "runtime/plan/ipam_objects.h"
#include "runtime/plan/pod_network.h"
#include "store/api/kind.h"

namespace hoplab::cmd {

namespace {

/// Where IPAM says the pod's address comes from.
struct PodAddress {
  std::optional<Ipv4> ip;
  std::string block;
  std::string block_node;
  std::string handle;
  std::string sandbox_id;
};

PodAddress find_address(const WhyObjects& objects, const Json& pod) {
  PodAddress out;
  auto ip = Ipv4::parse(string_or(member(pod, "status"), "podIP"));
  if (!ip) return out;
  out.ip = *ip;
  const std::string prefix = plan::pod_handle("");
  for (const Json& object : objects.blocks) {
    auto block = plan::block_from_json(object);
    if (!block || !block->cidr.contains(*ip)) continue;
    out.block = to_string(block->cidr);
    out.block_node = block->node;
    const plan::AllocationAttribute* attribute = plan::attribute_of(*block, *ip);
    if (attribute == nullptr) continue;
    out.handle = attribute->handle;
    if (out.handle.starts_with(prefix)) out.sandbox_id = out.handle.substr(prefix.size());
  }
  return out;
}

std::string container_text(const Json& status) {
  const Json& state = member(status, "state");
  std::string what = "waiting";
  if (state.is_object() && !state.empty()) what = state.begin().key();
  const std::string reason = state.is_object() && !state.empty()
                                 ? string_or(state.begin().value(), "reason")
                                 : std::string();
  return str(string_or(status, "name"), " (", string_or(status, "image"), ") ", what,
             reason.empty() ? "" : ": " + reason, ", ", int_or(status, "restartCount"),
             " restarts");
}

void add_facts(const Json& pod, const PodAddress& address, WhyReport& report) {
  const Json& status = member(pod, "status");
  report.facts.emplace_back("phase", string_or(status, "phase", "unknown"));
  report.facts.emplace_back("node", string_or(member(pod, "spec"), "nodeName", "<none>"));
  if (address.ip) report.facts.emplace_back("address", to_string(*address.ip));
  if (!address.block.empty()) {
    report.facts.emplace_back(
        "IPAM block",
        str(address.block, " of ", address.block_node.empty() ? "no node" : address.block_node));
  }
  if (!address.handle.empty()) report.facts.emplace_back("IPAM handle", address.handle);
  for (const Json& container : member(status, "containerStatuses")) {
    report.facts.emplace_back("container", container_text(container));
  }
}

/// The agent's choice: the uplink's MTU, less the outer header where packets get one.
uint32_t mtu_of(const WhyObjects& objects, const NetworkState& node) {
  const Link* uplink = node.link("eth0");
  const uint32_t mtu = uplink == nullptr ? 1500 : uplink->mtu;
  const auto pools = objects.pool_views();
  const bool encapsulates = std::any_of(pools.begin(), pools.end(), [](const auto& pool) {
    return pool.encapsulation != plan::Encapsulation::never;
  });
  return encapsulates ? mtu - 20 : mtu;
}

Result<LiveNetworks> observe_for(const plan::PodExplanation& explained, const std::string& node,
                                 WhyKernels& kernels) {
  std::set<std::string> hosts{node};
  for (const Operation& route : explained.routes) hosts.insert(route.netns);
  LiveNetworks live;
  for (const std::string& host : hosts) {
    auto network = kernels.observe(host, sysctl_keys(explained.wiring, host));
    if (network) {
      live[host] = *std::move(network);
    } else if (network.error().code() != ErrorCode::unavailable) {
      return network.error();
    }
  }
  return live;
}

}  // namespace

Result<WhyReport> why_pod(const WhyRequest& request, const WhyObjects& objects,
                          WhyKernels& kernels) {
  const Json& pod = *WhyObjects::find(objects.pods, request.namespace_name, request.name);
  WhyReport report{"pod", api::key_of(pod), {}, {}};
  const PodAddress address = find_address(objects, pod);
  add_facts(pod, address, report);
  const std::string node = string_or(member(pod, "spec"), "nodeName");
  plan::ExplainPodInput input;
  input.pod = pod;
  // The wiring names the pod's namespace by its sandbox; twelve digits tell it from the others.
  input.pod_netns = address.sandbox_id.empty() ? "pod" : address.sandbox_id.substr(0, 12);
  input.nodes = objects.route_nodes();
  input.blocks = objects.block_owners();
  if (auto before = kernels.observe(node, {})) input.mtu = mtu_of(objects, before->state);
  auto explained = plan::explain_pod(input);
  if (!explained) {
    report.facts.emplace_back("network", explained.error().message());
    return report;
  }
  HOP_TRY(LiveNetworks live, observe_for(*explained, node, kernels));
  auto inside = kernels.observe_pod(node, address.sandbox_id,
                                    sysctl_keys(explained->wiring, input.pod_netns));
  if (inside) {
    live[input.pod_netns] = std::move(inside->network);
    report.facts.emplace_back("sandbox", address.sandbox_id);
    report.facts.emplace_back(
        "namespace", str("/proc/", inside->pid, "/ns/net on ", node, "; ip netns attach ",
                         input.pod_netns, " ", inside->pid, " gives it the name used below"));
  } else {
    report.facts.emplace_back("sandbox", inside.error().message());
  }
  report.sections.push_back(
      {"the pod's cable, " + typed_in(node), {node}, items_of(explained->wiring, live, node)});
  for (const Operation& route : explained->routes) {
    report.sections.push_back({str("the way to the pod, ", typed_in(route.netns)),
                               {route.netns},
                               items_of({route}, live, route.netns)});
  }
  return report;
}

}  // namespace hoplab::cmd
