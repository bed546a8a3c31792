#include "runtime/agent/pod_attacher.h"

#include <set>

#include "runtime/netlink/apply.h"
#include "runtime/netlink/netns.h"
#include "runtime/netlink/settle.h"
#include "runtime/plan/ipam.h"
#include "runtime/plan/pod_network.h"

namespace hoplab::agent {

namespace {

plan::PodNetwork network_of(const Attachment& who, Ipv4 ip, uint32_t mtu) {
  plan::PodNetwork network;
  network.pod_netns = who.sandbox_id;
  network.namespace_name = who.namespace_name;
  network.pod = who.pod;
  network.ip = ip;
  network.mtu = mtu;
  return network;
}

std::string host_link(const Attachment& who) {
  return plan::host_link_name(who.namespace_name, who.pod);
}

/// The first failure among the outcomes of one pod's operations.
Result<void> result_of(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (outcome.error) return *outcome.error;
    if (outcome.state == OutcomeState::not_attempted) {
      return Error(ErrorCode::internal, "not attempted after an earlier failure");
    }
  }
  return {};
}

}  // namespace

PodAttacher::PodAttacher(reconcile::IpamClient& ipam, uint32_t mtu, Log log)
    : ipam_(ipam), mtu_(mtu), log_(std::move(log)) {}

Result<void> PodAttacher::release_all_but(const std::vector<std::string>& sandbox_ids) {
  if (released_unused_) return {};
  std::set<std::string> keep;
  for (const std::string& id : sandbox_ids) keep.insert(plan::pod_handle(id));
  HOP_CHECK(ipam_.release_all_but(keep));
  released_unused_ = true;
  return {};
}

Result<std::map<std::string, Ipv4>> PodAttacher::assign(const std::vector<Attachment>& wanted) {
  std::map<std::string, Ipv4> out;
  if (wanted.empty()) return out;
  std::vector<plan::AddressRequest> requests;
  for (const auto& who : wanted) {
    requests.push_back(
        {plan::pod_handle(who.sandbox_id), {{"namespace", who.namespace_name}, {"pod", who.pod}}});
  }
  HOP_TRY(auto assignments, ipam_.assign(std::move(requests)));
  std::map<std::string, Ipv4> by_handle;
  for (const plan::Assignment& one : assignments) by_handle[one.handle] = one.ip;
  for (const auto& who : wanted) {
    const auto found = by_handle.find(plan::pod_handle(who.sandbox_id));
    if (found != by_handle.end()) out[who.sandbox_id] = found->second;
  }
  return out;
}

Result<void> PodAttacher::detach(const Attachment& who) {
  HOP_TRY(auto node, NetlinkSocket::open());
  ApplyContext context;
  context.tolerated_on_delete = absent_errnos();
  context.keep_going = true;
  auto unwired =
      apply_operations(node, plan::unwire_pod(network_of(who, Ipv4(), mtu_)), context).status();
  auto released = ipam_.release({plan::pod_handle(who.sandbox_id)});
  if (!released) released_unused_ = false;  // Given back before the next address is taken.
  if (!unwired) return unwired;
  return released;
}

std::vector<Result<void>> PodAttacher::wire(const std::vector<PodWiring>& wirings) {
  std::vector<Result<void>> results(wirings.size());
  if (wirings.empty()) return results;
  auto fail_all = [&](const Error& error) {
    for (auto& result : results) result = error;
    return results;
  };
  auto node = NetlinkSocket::open();
  if (!node) return fail_all(node.error());

  std::map<std::string, int> netns_of;
  std::vector<Operation> operations;
  std::vector<std::pair<size_t, size_t>> ranges;
  for (const auto& wiring : wirings) {
    netns_of[wiring.who.sandbox_id] = wiring.netns.get();
    plan::PodNetwork network = network_of(wiring.who, wiring.ip, mtu_);
    // A link of that name can only be left over from a crash; asking by name costs one system call.
    network.stale_link = node->link_index(host_link(wiring.who)).ok();
    auto part = plan::wire_node_side(network);
    ranges.emplace_back(operations.size(), part.size());
    operations.insert(operations.end(), part.begin(), part.end());
  }
  ApplyContext context;
  context.keep_going = true;
  context.peer_netns = [&](const std::string& name) -> Result<int> { return netns_of.at(name); };
  ApplyReport report = apply_operations(*node, operations, context);

  std::vector<std::string> plugged;
  for (size_t i = 0; i < wirings.size(); ++i) {
    auto [first, count] = ranges[i];
    results[i] = result_of(std::span(report.outcomes).subspan(first, count));
    if (!results[i]) continue;
    auto pod = NetlinkSocket::open_in(wirings[i].netns.get());
    if (!pod) {
      results[i] = std::move(pod).error();
      continue;
    }
    auto inside = plan::wire_pod_side(network_of(wirings[i].who, wirings[i].ip, mtu_));
    results[i] = apply_operations(*pod, inside).status();
    if (results[i]) plugged.push_back(host_link(wirings[i].who));
  }
  // Else one pod in twenty loses its first packet and with it a second.
  auto here = current_netns();
  auto settled = here ? settle_links(here->get(), plugged) : Result<void>(here.error());
  if (!settled) log_.error("waiting for pods' links", settled.error());
  return results;
}

}  // namespace hoplab::agent
