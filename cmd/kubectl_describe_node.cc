#include <array>
#include <cmath>

#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_output.h"
#include "store/api/quantity.h"
#include "store/api/table.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array resources{"cpu", "memory", "ephemeral-storage"};

/// What a pod asks for: the sum of its containers, or its largest init container.
api::Quantity pod_amount(const Json& pod, const char* part, const char* resource) {
  api::Quantity total;
  auto amount_of = [&](const Json& container) {
    auto parsed = api::quantity_of(member(member(member(container, "resources"), part), resource));
    return parsed ? *parsed : api::Quantity{};
  };
  const Json& containers = at_path(pod, "spec.containers");
  for (size_t i = 0; containers.is_array() && i < containers.size(); ++i) {
    api::Quantity one = amount_of(containers[i]);
    if (one.milli != 0) total.format = one.format;
    total.milli += one.milli;
  }
  const Json& init = at_path(pod, "spec.initContainers");
  for (size_t i = 0; init.is_array() && i < init.size(); ++i) {
    api::Quantity one = amount_of(init[i]);
    if (one.milli > total.milli) total = one;
  }
  return total;
}

/// "100m (5%)" of what the node can give away.
std::string share(const api::Quantity& amount, const Json& node, const char* resource) {
  auto whole = api::quantity_of(member(at_path(node, "status.allocatable"), resource));
  const double of = whole ? static_cast<double>(whole->milli) : 0;
  const double percent = of > 0 ? std::trunc(static_cast<double>(amount.milli) * 100 / of) : 0;
  return str(api::to_string(amount), " (", static_cast<int64_t>(percent), "%)");
}

void describe_pods(const DescribeInput& input, DescribeText& out) {
  std::vector<const Json*> live;
  for (const Json& pod : input.pods) {
    const std::string phase = string_or(member(pod, "status"), "phase");
    if (phase != "Succeeded" && phase != "Failed") live.push_back(&pod);
  }
  out.line(0, "Non-terminated Pods:\t(", live.size(), " in total)");
  out.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAGE");
  out.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
  std::array<std::array<api::Quantity, 2>, resources.size()> totals;
  const std::array parts{"requests", "limits"};
  for (const Json* pod : live) {
    std::string cells;
    for (size_t r = 0; r < resources.size(); ++r) {
      for (size_t p = 0; p < parts.size(); ++p) {
        api::Quantity amount = pod_amount(*pod, parts[p], resources[r]);
        if (amount.milli != 0) totals[r][p].format = amount.format;
        totals[r][p].milli += amount.milli;
        if (r < 2) cells += share(amount, input.object, resources[r]) + "\t";
      }
    }
    out.line(1, api::namespace_of(*pod), "\t", api::name_of(*pod), "\t\t", cells,
             api::human_age(at_path(*pod, "metadata.creationTimestamp"), input.now));
  }
  out.line(0, "Allocated resources:");
  out.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
  out.line(1, "Resource\tRequests\tLimits");
  out.line(1, "--------\t--------\t------");
  for (size_t r = 0; r < resources.size(); ++r) {
    out.line(1, resources[r], "\t", share(totals[r][0], input.object, resources[r]), "\t",
             share(totals[r][1], input.object, resources[r]));
  }
}

void describe_conditions(const Json& conditions, DescribeText& out) {
  if (!conditions.is_array() || conditions.empty()) return;
  out.line(0, "Conditions:");
  out.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
  out.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
  for (const Json& one : conditions) {
    out.line(1, string_or(one, "type"), " \t", string_or(one, "status"), " \t",
             long_time(member(one, "lastHeartbeatTime")), " \t",
             long_time(member(one, "lastTransitionTime")), " \t", string_or(one, "reason"), " \t",
             string_or(one, "message"));
  }
}

void describe_lease(const DescribeInput& input, DescribeText& out) {
  if (!input.lease.is_object()) {
    out.line(0, "Lease:\tFailed to get lease: leases.coordination.k8s.io \"",
             api::name_of(input.object), "\" not found");
    return;
  }
  const Json& spec = member(input.lease, "spec");
  auto time_of = [&](const char* field) {
    const Json& time = member(spec, field);
    return time.is_string() ? long_time(time) : std::string("<unset>");
  };
  out.line(0, "Lease:");
  out.line(1, "HolderIdentity:\t", string_or(spec, "holderIdentity", "<unset>"));
  out.line(1, "AcquireTime:\t", time_of("acquireTime"));
  out.line(1, "RenewTime:\t", time_of("renewTime"));
}

void describe_taints(const Json& taints, DescribeText& out) {
  if (!taints.is_array() || taints.empty()) return out.line(0, "Taints:\t<none>");
  std::vector<std::string> lines;
  for (const Json& taint : taints) {
    const std::string value = string_or(taint, "value");
    lines.push_back(str(string_or(taint, "key"), value.empty() ? "" : "=" + value, ":",
                        string_or(taint, "effect")));
  }
  std::sort(lines.begin(), lines.end());
  for (size_t i = 0; i < lines.size(); ++i) out.line(0, i == 0 ? "Taints:\t" : "\t", lines[i]);
}

void describe_amounts(const char* title, const Json& amounts, DescribeText& out) {
  if (!amounts.is_object() || amounts.empty()) return;
  out.line(0, title, ":");
  for (auto it = amounts.begin(); it != amounts.end(); ++it) {
    out.line(1, it.key(), ":\t", go_text(*it));
  }
}

void describe_system(const Json& info, DescribeText& out) {
  const std::pair<const char*, const char*> rows[] = {
      {"Machine ID", "machineID"},
      {"System UUID", "systemUUID"},
      {"Boot ID", "bootID"},
      {"Kernel Version", "kernelVersion"},
      {"OS Image", "osImage"},
      {"Operating System", "operatingSystem"},
      {"Architecture", "architecture"},
      {"Container Runtime Version", "containerRuntimeVersion"},
      {"Kubelet Version", "kubeletVersion"},
      {"Kube-Proxy Version", "kubeProxyVersion"}};
  out.line(0, "System Info:");
  for (const auto& [shown, key] : rows) out.line(1, shown, ":\t", string_or(info, key));
}

}  // namespace

void describe_node(const DescribeInput& input, DescribeText& out) {
  const Json& spec = member(input.object, "spec");
  const Json& status = member(input.object, "status");
  describe_name(input, out);
  out.line(0, "Roles:\t", api::node_roles_text(input.object));
  describe_labels(input, out);
  out.line(0, "CreationTimestamp:\t",
           long_time(at_path(input.object, "metadata.creationTimestamp")));
  describe_taints(member(spec, "taints"), out);
  out.line(0, "Unschedulable:\t", bool_or(spec, "unschedulable") ? "true" : "false");
  describe_lease(input, out);
  describe_conditions(member(status, "conditions"), out);
  out.line(0, "Addresses:");
  const Json& addresses = member(status, "addresses");
  for (size_t i = 0; addresses.is_array() && i < addresses.size(); ++i) {
    out.line(1, string_or(addresses[i], "type"), ":\t", string_or(addresses[i], "address"));
  }
  describe_amounts("Capacity", member(status, "capacity"), out);
  describe_amounts("Allocatable", member(status, "allocatable"), out);
  describe_system(member(status, "nodeInfo"), out);
  if (auto cidr = string_or(spec, "podCIDR"); !cidr.empty()) out.line(0, "PodCIDR:\t", cidr);
  std::vector<std::string> cidrs;
  const Json& list = member(spec, "podCIDRs");
  for (size_t i = 0; list.is_array() && i < list.size(); ++i) cidrs.push_back(go_text(list[i]));
  if (!cidrs.empty()) out.line(0, "PodCIDRs:\t", join(cidrs, ","));
  describe_pods(input, out);
  describe_events(input, out);
}

}  // namespace hoplab::cmd::kubectl
