// calicoctl get: what Calico's v3 API shows, made of the objects that hoplab keeps.

#include <algorithm>

#include "cmd/calicoctl.h"
#include "cmd/kubectl_tabs.h"
#include "runtime/base/text.h"
#include "runtime/plan/calico_view.h"
#include "runtime/plan/pod_network.h"
#include "store/api/manifest.h"

namespace hoplab::cmd::calicoctl {

namespace {

using Row = std::vector<std::string>;

// text/tabwriter as calicoctl opens it.
constexpr kubectl::TabStyle calico_tabs{5, 3};
constexpr const char* default_as = "64512";

/// One resource as a table and as whole objects.
struct Listing {
  std::string kind;
  Row headings, wide_headings;
  std::vector<Row> rows, wide_rows;
  std::vector<Json> objects;
};

/// Calico's names join parts by "-", so a "-" of their own is doubled.
std::string escape(std::string_view part) {
  std::string out;
  for (char c : part) out += c == '-' ? "--" : std::string(1, c);
  return out;
}

Json v3_object(const std::string& kind, Json metadata, Json spec) {
  return {{"apiVersion", "projectcalico.org/v3"},
          {"kind", kind},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

bool wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

void add_endpoint(const Json& pod, bool with_namespace, Listing& out) {
  const Json& metadata = member(pod, "metadata");
  const Json& spec = member(pod, "spec");
  std::string name_space = string_or(metadata, "namespace");
  std::string name = string_or(metadata, "name");
  std::string node = string_or(spec, "nodeName");
  std::string network = string_or(member(pod, "status"), "podIP") + "/32";
  std::string link = plan::host_link_name(name_space, name);
  std::string account = string_or(spec, "serviceAccountName", "default");
  std::string endpoint = str(escape(node), "-k8s-", escape(name), "-eth0");
  std::vector<std::string> profiles{"kns." + name_space, str("ksa.", name_space, ".", account)};
  Row row{name, node, network, link};
  Row wide{endpoint, name, node, network, link, join(profiles, ","), ""};
  if (with_namespace) {
    row.insert(row.begin(), name_space);
    wide.insert(wide.begin(), name_space);
  }
  out.rows.push_back(std::move(row));
  out.wide_rows.push_back(std::move(wide));
  out.objects.push_back(v3_object(
      "WorkloadEndpoint",
      {{"name", endpoint}, {"namespace", name_space}, {"labels", member(metadata, "labels")}},
      {{"orchestrator", "k8s"},
       {"node", node},
       {"pod", name},
       {"endpoint", "eth0"},
       {"interfaceName", link},
       {"ipNetworks", {network}},
       {"profiles", profiles}}));
}

Result<Listing> list_endpoints(const Session& session, const std::vector<std::string>& names) {
  Listing out{"WorkloadEndpoint",
              {"WORKLOAD", "NODE", "NETWORKS", "INTERFACE"},
              {"NAME", "WORKLOAD", "NODE", "NETWORKS", "INTERFACE", "PROFILES", "NATS"},
              {},
              {},
              {}};
  bool with_namespace = session.namespace_given || session.all_namespaces;
  if (with_namespace) {
    out.headings.insert(out.headings.begin(), "NAMESPACE");
    out.wide_headings.insert(out.wide_headings.begin(), "NAMESPACE");
  }
  HOP_TRY(std::vector<Json> pods,
          list_all(session.client, "Pod",
                   session.all_namespaces ? std::string() : session.namespace_name));
  for (const Json& pod : pods) {
    if (!has_endpoint(pod)) continue;
    if (!wanted(names, str(escape(string_or(member(pod, "spec"), "nodeName")), "-k8s-",
                           escape(string_or(member(pod, "metadata"), "name")), "-eth0"))) {
      continue;
    }
    add_endpoint(pod, with_namespace, out);
  }
  return out;
}

Result<Listing> list_pools(const Session& session, const std::vector<std::string>& names) {
  Listing out{
      "IPPool",
      {"NAME", "CIDR", "SELECTOR"},
      {"NAME", "CIDR", "NAT", "IPIPMODE", "VXLANMODE", "DISABLED", "DISABLEBGPEXPORT", "SELECTOR"},
      {},
      {},
      {}};
  const auto yes = [](bool value) { return std::string(value ? "true" : "false"); };
  HOP_TRY(std::vector<Json> pools, list_all(session.client, "IPPool"));
  for (const Json& pool : pools) {
    const Json& spec = member(pool, "spec");
    std::string name = string_or(member(pool, "metadata"), "name");
    if (!wanted(names, name)) continue;
    std::string selector = string_or(spec, "nodeSelector", "all()");
    out.rows.push_back({name, string_or(spec, "cidr"), selector});
    out.wide_rows.push_back({name, string_or(spec, "cidr"), yes(bool_or(spec, "natOutgoing")),
                             string_or(spec, "ipipMode", "Never"),
                             string_or(spec, "vxlanMode", "Never"), yes(bool_or(spec, "disabled")),
                             yes(bool_or(spec, "disableBGPExport")), selector});
    out.objects.push_back(v3_object("IPPool", member(pool, "metadata"), spec));
  }
  return out;
}

Result<Listing> list_nodes(const Session& session, const std::vector<std::string>& names) {
  Listing out{"Node", {"NAME"}, {"NAME", "ASN", "IPV4", "IPV6"}, {}, {}, {}};
  HOP_TRY(std::vector<Json> nodes, list_all(session.client, "Node"));
  for (const Json& node : nodes) {
    std::string name = string_or(member(node, "metadata"), "name");
    if (!wanted(names, name)) continue;
    const Json& annotations = at_path(node, "metadata.annotations");
    std::string address = string_or(annotations, plan::node_address_annotation);
    out.rows.push_back({name});
    out.wide_rows.push_back({name, str("(", default_as, ")"), address, ""});
    Json bgp{{"ipv4Address", address},
             {"ipv4IPIPTunnelAddr", string_or(annotations, plan::tunnel_address_annotation)}};
    Json reference{{"nodeName", name}, {"orchestrator", "k8s"}};
    out.objects.push_back(
        v3_object("Node", {{"name", name}, {"labels", at_path(node, "metadata.labels")}},
                  {{"bgp", std::move(bgp)}, {"orchRefs", Json::array({std::move(reference)})}}));
  }
  return out;
}

std::string table_of(const Row& headings, const std::vector<Row>& rows) {
  std::string text;
  const auto add = [&](const Row& row) {
    for (const std::string& cell : row) text += cell + "\t";
    text += "\n";
  };
  add(headings);
  for (const Row& row : rows) add(row);
  return kubectl::align_tabs(text, calico_tabs) + "\n";
}

Result<Listing> list_resource(const Session& session, const std::string& resource,
                              const std::vector<std::string>& names) {
  std::string kind = to_lower(resource);
  for (const char* each : {"workloadendpoint", "workloadendpoints", "wep", "weps"}) {
    if (kind == each) return list_endpoints(session, names);
  }
  for (const char* each : {"ippool", "ippools", "ipp", "ipps", "pool", "pools"}) {
    if (kind == each) return list_pools(session, names);
  }
  for (const char* each : {"node", "nodes", "no", "nos"}) {
    if (kind == each) return list_nodes(session, names);
  }
  return Error(ErrorCode::unsupported,
               str("resource type '", resource,
                   "' is not among those that hoplab's calicoctl shows: workloadendpoint, ippool, "
                   "node"));
}

}  // namespace

Result<std::string> get_resource(const Session& session, const std::string& resource,
                                 const std::vector<std::string>& names) {
  HOP_TRY(Listing listing, list_resource(session, resource, names));
  if (session.output == "wide") return table_of(listing.wide_headings, listing.wide_rows);
  if (session.output.empty() || session.output == "ps") {
    return table_of(listing.headings, listing.rows);
  }
  Json list{{"apiVersion", "projectcalico.org/v3"},
            {"kind", listing.kind + "List"},
            {"items", listing.objects},
            {"metadata", Json::object()}};
  if (session.output == "yaml") return api::to_yaml(list);
  return dump_json_pretty(list) + "\n";
}

}  // namespace hoplab::cmd::calicoctl
