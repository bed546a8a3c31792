#include "runtime/plan/calico_view.h"

#include "runtime/base/text.h"
#include "runtime/plan/ipam_objects.h"
#include "store/api/kind.h"

namespace hoplab::plan {

namespace {

std::set<Ipv4> allocated_addresses(const Json* object) {
  std::set<Ipv4> out;
  if (object == nullptr) return out;
  auto block = block_from_json(*object);
  if (!block) return out;
  for (const Assignment& one : allocations_of(*block)) out.insert(one.ip);
  return out;
}

}  // namespace

Result<PoolView> pool_view(const Json& pool) {
  PoolView view;
  HOP_TRY(view.addresses, pool_from_json(pool));
  const Json& spec = member(pool, "spec");
  if (string_or(spec, "vxlanMode", "Never") != "Never") {
    return Error(ErrorCode::invalid, str("IPPool ", api::name_of(pool),
                                         ": spec.vxlanMode: only Never is supported here"));
  }
  view.encapsulation = encapsulation_of(string_or(spec, "ipipMode", "Never"));
  view.nat_outgoing = bool_or(spec, "natOutgoing");
  return view;
}

std::optional<RouteNode> route_node(const Json& node) {
  RouteNode out;
  out.name = api::name_of(node);
  const Json& annotations = at_path(node, "metadata.annotations");
  if (auto address = Prefix::parse(string_or(annotations, node_address_annotation))) {
    out.address = *address;
    return out;
  }
  const Json& addresses = at_path(node, "status.addresses");
  if (!addresses.is_array()) return std::nullopt;
  for (const Json& address : addresses) {
    if (string_or(address, "type") != "InternalIP") continue;
    auto ip = Ipv4::parse(string_or(address, "address"));
    if (!ip) continue;
    out.address = Prefix::host(*ip);
    return out;
  }
  return std::nullopt;
}

Result<BlockOwner> block_owner(const Json& object, std::span<const PoolView> pools) {
  HOP_TRY(const AddressBlock block, block_from_json(object));
  BlockOwner out;
  out.cidr = block.cidr;
  out.node = block.node;
  for (const PoolView& pool : pools) {
    if (pool.addresses.cidr.contains(block.cidr)) out.encapsulation = pool.encapsulation;
  }
  for (const Assignment& one : allocations_of(block)) {
    const AllocationAttribute* attribute = attribute_of(block, one.ip);
    auto user = attribute->notes.find("node");
    if (user == attribute->notes.end() || user->second == block.node) continue;
    out.borrowed.push_back({one.ip, user->second});
  }
  return out;
}

std::set<Ipv4> freed_addresses(const Json* before, const Json* now) {
  std::set<Ipv4> out = allocated_addresses(before);
  for (const Ipv4 ip : allocated_addresses(now)) out.erase(ip);
  return out;
}

std::string cni_conflist(const std::string& node, uint32_t mtu) {
  const Json calico = {
      {"type", "calico"},           {"log_level", "info"}, {"datastore_type", "kubernetes"},
      {"nodename", node},           {"mtu", mtu},          {"ipam", {{"type", "calico-ipam"}}},
      {"policy", {{"type", "k8s"}}}};
  const Json portmap = {
      {"type", "portmap"}, {"snat", true}, {"capabilities", {{"portMappings", true}}}};
  const Json list = {{"name", "k8s-pod-network"},
                     {"cniVersion", "0.3.1"},
                     {"plugins", Json::array({calico, portmap})}};
  return dump_json_pretty(list) + "\n";
}

}  // namespace hoplab::plan
