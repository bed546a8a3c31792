#include "cmd/why_cluster.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <iterator>

#include "runtime/base/text.h"
#include "runtime/netlink/dump.h"
#include "runtime/netlink/sysctl.h"
#include "runtime/nft/firewall.h"
#include "runtime/nft/render_text.h"
#include "runtime/proc/container_client.h"
#include "store/api/kind.h"
#include "web/kubeconfig.h"

namespace hoplab::cmd {

namespace {

Result<std::vector<Json>> list_all(web::Client& client, std::string_view kind) {
  HOP_TRY(ObjectList list, client.list(api::kind_of(kind), {}));
  return std::move(list.items);
}

Result<void> enter(int fd, const std::string& what) {
  if (fd >= 0 && ::setns(fd, 0) != 0) return Error::from_errno(errno, "entering " + what);
  return {};
}

std::optional<std::string> value_or_none(Result<std::string> value) {
  return value ? std::optional(*std::move(value)) : std::nullopt;
}

}  // namespace

std::vector<plan::RouteNode> WhyObjects::route_nodes() const {
  std::vector<plan::RouteNode> out;
  for (const Json& object : nodes) {
    if (auto node = plan::route_node(object)) out.push_back(*std::move(node));
  }
  return out;
}

std::vector<plan::PoolView> WhyObjects::pool_views() const {
  std::vector<plan::PoolView> out;
  for (const Json& object : pools) {
    if (auto pool = plan::pool_view(object)) out.push_back(*std::move(pool));
  }
  return out;
}

std::vector<plan::BlockOwner> WhyObjects::block_owners() const {
  const std::vector<plan::PoolView> views = pool_views();
  std::vector<plan::BlockOwner> out;
  for (const Json& object : blocks) {
    if (auto block = plan::block_owner(object, views)) out.push_back(*std::move(block));
  }
  return out;
}

const Json* WhyObjects::find(const std::vector<Json>& objects, const std::string& namespace_name,
                             const std::string& name) {
  const auto found = std::find_if(objects.begin(), objects.end(), [&](const Json& object) {
    return api::name_of(object) == name && api::namespace_of(object) == namespace_name;
  });
  return found == objects.end() ? nullptr : &*found;
}

Result<WhyObjects> load_why_objects(const std::string& kubeconfig) {
  HOP_TRY(const web::ClientConfig config, web::load_kubeconfig(kubeconfig));
  HOP_TRY(const auto client, web::Client::open(config));
  WhyObjects out;
  HOP_TRY(out.nodes, list_all(*client, "Node"));
  HOP_TRY(out.pods, list_all(*client, "Pod"));
  HOP_TRY(out.services, list_all(*client, "Service"));
  HOP_TRY(out.slices, list_all(*client, "EndpointSlice"));
  HOP_TRY(out.pools, list_all(*client, "IPPool"));
  HOP_TRY(out.blocks, list_all(*client, "IPAMBlock"));
  return out;
}

Result<WhyKernels> WhyKernels::open(const RunningCluster& cluster) {
  HOP_TRY(proc::SandboxControl control, cluster.control());
  WhyKernels out;
  HOP_TRY(out.hosts_[""], control.enter(""));
  for (const auto& host : cluster.config.hosts) {
    // A host that starts again at this moment has no namespaces: its items are missing.
    if (auto entrance = control.enter(host.name)) out.hosts_[host.name] = *std::move(entrance);
  }
  // Observing goes into a namespace and back; an ordinary user may only go back to one that the
  // sandbox's user namespace owns.
  const proc::NamespaceSet& sandbox = out.hosts_.at("").namespaces;
  HOP_CHECK(enter(sandbox.find("user"), "the sandbox's user namespace"));
  HOP_CHECK(enter(sandbox.find("net"), "the sandbox's network namespace"));
  return out;
}

Result<int> WhyKernels::netns_of(const std::string& host) const {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) {
    return Error(ErrorCode::unavailable, str("host ", host, " does not run now; try again"));
  }
  return found->second.namespaces.find("net");
}

Result<LiveNetwork> WhyKernels::observe(const std::string& host,
                                        const std::vector<std::string>& sysctls) {
  HOP_TRY(const int netns, netns_of(host));
  LiveNetwork out;
  HOP_TRY(out.state, observe_network(netns));
  for (const std::string& key : sysctls) {
    out.sysctls[key] = value_or_none(read_sysctl(netns, key));
  }
  return out;
}

Result<nft::ObservedRuleset> WhyKernels::observe_rules(const std::string& host) {
  HOP_TRY(const int netns, netns_of(host));
  HOP_TRY(nft::Firewall firewall, nft::Firewall::open_in(netns, {"why", {}}));
  return firewall.observe({"nat", "filter"});
}

Result<WhyKernels::PodKernel> WhyKernels::observe_pod(const std::string& host,
                                                      const std::string& sandbox_id,
                                                      const std::vector<std::string>& sysctls) {
  HOP_CHECK(netns_of(host));
  HOP_CHECK(enter(hosts_.at(host).namespaces.find("mnt"), "the file system of " + host));
  HOP_TRY(const auto containers, proc::ContainerClient::connect());
  HOP_TRY(const proc::NodeContents contents, containers->list());
  for (const proc::SandboxStatus& sandbox : contents.sandboxes) {
    if (sandbox.spec.id != sandbox_id || !sandbox.ready) continue;
    HOP_TRY(const Fd netns, open_fd(sandbox.netns_path, O_RDONLY));
    HOP_CHECK(enter(netns.get(), "the pod's network namespace"));
    // The node's /proc does not know this process, so there is no namespace to come back to.
    HOP_TRY(NetlinkSocket socket, NetlinkSocket::open());
    PodKernel out;
    out.pid = sandbox.pid;
    HOP_TRY(out.network.state.links, dump_links(socket));
    HOP_TRY(out.network.state.addresses, dump_addresses(socket));
    HOP_TRY(out.network.state.routes, dump_routes(socket, RouteTables::all));
    HOP_TRY(out.network.state.neighbors, dump_neighbors(socket));
    for (const std::string& key : sysctls) {
      out.network.sysctls[key] = value_or_none(read_sysctl_here(key));
    }
    return out;
  }
  return Error(ErrorCode::not_found, str("no sandbox ", sandbox_id, " runs on ", host));
}

std::string typed_in(const std::string& host) {
  return host.empty() ? "outside the hosts (hoplab shell --sandbox)"
                      : str("on ", host, " (hoplab shell ", host, ")");
}

WhyItem rule_item(const nft::ObservedRuleset& live, const std::string& owner,
                  const std::string& table, const std::string& chain, const Rule& rule,
                  const std::string& reason) {
  return {nft::to_command(table, chain, rule), reason,
          presence_of(live, owner, table, chain, rule)};
}

}  // namespace hoplab::cmd
