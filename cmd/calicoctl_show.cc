// calicoctl ipam show and check: the objects behind the tables.

#include "cmd/box_table.h"
#include "cmd/calicoctl.h"
#include "cmd/calicoctl_ipam.h"
#include "runtime/base/text.h"
#include "runtime/plan/calico_view.h"
#include "runtime/plan/ipam_objects.h"

namespace hoplab::cmd::calicoctl {

namespace {

struct Ipam {
  std::vector<plan::AddressPool> pools;
  std::vector<plan::AddressBlock> blocks;
};

Result<Ipam> load_ipam(web::Client& client) {
  Ipam out;
  HOP_TRY(std::vector<Json> pools, list_all(client, "IPPool"));
  for (const Json& each : pools) {
    HOP_TRY(plan::AddressPool pool, plan::pool_from_json(each));
    out.pools.push_back(std::move(pool));
  }
  HOP_TRY(std::vector<Json> blocks, list_all(client, "IPAMBlock"));
  for (const Json& each : blocks) {
    HOP_TRY(plan::AddressBlock block, plan::block_from_json(each));
    if (!block.deleted) out.blocks.push_back(std::move(block));
  }
  return out;
}

}  // namespace

bool has_endpoint(const Json& pod) {
  std::string phase = string_or(member(pod, "status"), "phase");
  return !bool_or(member(pod, "spec"), "hostNetwork") && phase != "Succeeded" &&
         phase != "Failed" && !string_or(member(pod, "status"), "podIP").empty();
}

Result<std::vector<Json>> list_all(web::Client& client, std::string_view kind,
                                   const std::string& namespace_name) {
  Selection selection;
  selection.namespace_name = namespace_name;
  HOP_TRY(ObjectList list, client.list(api::kind_of(kind), selection));
  return std::move(list.items);
}

Result<std::string> ipam_show(web::Client& client, const IpamShowWish& wish) {
  HOP_TRY(Ipam ipam, load_ipam(client));
  if (!wish.ip.empty()) {
    auto ip = Ipv4::parse(wish.ip);
    if (!ip) return Error(ErrorCode::invalid, str("invalid IP address: ", wish.ip));
    return address_text(*ip, ipam.blocks);
  }
  if (wish.borrowed) return borrowed_table(ipam.blocks);
  if (wish.configuration) {
    // What hoplab's IPAM does; IPAMConfig objects are not read.
    return render_box(
        {"Property", "Value"},
        {{"StrictAffinity", "false"}, {"AutoAllocateBlocks", "true"}, {"MaxBlocksPerHost", "0"}});
  }
  return ipam_table(ipam.pools, ipam.blocks, wish.blocks);
}

Result<std::string> ipam_check(web::Client& client) {
  HOP_TRY(Ipam ipam, load_ipam(client));
  AddressUsers users;
  HOP_TRY(std::vector<Json> nodes, list_all(client, "Node"));
  for (const Json& node : nodes) {
    users.nodes.push_back(string_or(member(node, "metadata"), "name"));
    auto tunnel = Ipv4::parse(
        string_or(at_path(node, "metadata.annotations"), plan::tunnel_address_annotation));
    if (tunnel) users.tunnels.push_back(*tunnel);
  }
  HOP_TRY(std::vector<Json> pods, list_all(client, "Pod"));
  for (const Json& pod : pods) {
    auto ip = Ipv4::parse(string_or(member(pod, "status"), "podIP"));
    if (ip && has_endpoint(pod)) users.workloads.push_back(*ip);
  }
  return ipam_report(ipam.pools, ipam.blocks, users);
}

}  // namespace hoplab::cmd::calicoctl
