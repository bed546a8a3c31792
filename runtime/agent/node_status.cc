// The Node object and its status as values.

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <cstdio>
#include <thread>

#include "runtime/agent/node_reporter.h"
#include "runtime/base/architecture.h"
#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"
#include "runtime/plan/calico_view.h"
#include "runtime/plan/ipam_objects.h"

namespace hoplab::agent {

namespace {

/// A value of /etc/os-release without its quotes.
std::string os_pretty_name() {
  auto text = read_file("/etc/os-release");
  if (!text) return "Linux";
  for (auto line : split(*text, '\n')) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    line.remove_prefix(12);
    if (line.size() >= 2 && line.front() == '"') line = line.substr(1, line.size() - 2);
    return std::string(line);
  }
  return "Linux";
}

std::string first_line(const std::string& path) {
  auto text = read_file(path, 4096);
  return text ? std::string(trim(*text)) : std::string();
}

/// The same text gives the same UUID on every machine. A node of a lab is no machine: the
/// computer's own ids would be the same on all nodes, and nobody else's business.
std::string stable_uuid(const std::string& text) {
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(fnv1a_64("high/" + text)),
                static_cast<unsigned long long>(fnv1a_64("low/" + text)));
  std::string out = digits;
  out[12] = '5';  // Made from a name.
  out[16] = "89ab"[static_cast<unsigned char>(out[16]) % 4];
  for (size_t at : {8, 13, 18, 23}) out.insert(at, "-");
  return out;
}

std::string without_dashes(std::string uuid) {
  std::erase(uuid, '-');
  return uuid;
}

/// Differs from one start of the node to the next: when its pid 1 (node-init) was started.
std::string boot_mark() {
  std::string boot = first_line("/proc/sys/kernel/random/boot_id");
  const std::string stat = first_line("/proc/1/stat");
  // The name in parentheses may hold blanks; starttime is the 20th field after it.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return boot;
  const auto fields = split(std::string_view(stat).substr(name_end + 1), ' ');
  return fields.size() > 20 ? str(boot, "/", fields[20]) : boot;
}

Json node_info(const NodeDescription& node) {
  utsname names{};
  ::uname(&names);
  const std::string who = str(node.cluster, "/", node.facts.name);
  return {{"architecture", machine_architecture()},
          {"operatingSystem", "linux"},
          {"osImage", os_pretty_name()},
          {"kernelVersion", names.release},
          {"bootID", stable_uuid(str(who, "/boot/", boot_mark()))},
          {"machineID", without_dashes(stable_uuid(who + "/machine"))},
          {"systemUUID", stable_uuid(who + "/system")},
          {"containerRuntimeVersion", str(container_runtime, "://20.10.12")},
          {"kubeletVersion", node.kubelet_version},
          {"kubeProxyVersion", node.kubelet_version}};
}

struct Condition {
  const char* type;
  const char* status;
  const char* reason;
  const char* message;
};

Json condition_json(const Condition& condition, const Json& previous, WallTime now) {
  std::string since = to_rfc3339(now);
  for (const Json& old : member(previous, "conditions")) {
    if (string_or(old, "type") == condition.type && string_or(old, "status") == condition.status) {
      since = string_or(old, "lastTransitionTime", since);
    }
  }
  return {{"type", condition.type},      {"status", condition.status},
          {"reason", condition.reason},  {"message", condition.message},
          {"lastTransitionTime", since}, {"lastHeartbeatTime", to_rfc3339(now)}};
}

const Json* find_condition(const Json& conditions, const std::string& type) {
  for (const Json& each : conditions) {
    if (string_or(each, "type") == type) return &each;
  }
  return nullptr;
}

bool same_condition(Json wanted, const Json* current) {
  if (current == nullptr) return false;
  Json there = *current;
  wanted.erase("lastHeartbeatTime");
  there.erase("lastHeartbeatTime");
  return wanted == there;
}

}  // namespace

Json make_node(const NodeDescription& node) {
  Json labels = {{"kubernetes.io/hostname", node.facts.name},
                 {"kubernetes.io/os", "linux"},
                 {"kubernetes.io/arch", machine_architecture()},
                 {"beta.kubernetes.io/os", "linux"},
                 {"beta.kubernetes.io/arch", machine_architecture()}};
  Json spec = Json::object();
  if (node.control_plane) {
    labels["node-role.kubernetes.io/control-plane"] = "";
    labels["node-role.kubernetes.io/master"] = "";
    labels["node.kubernetes.io/exclude-from-external-load-balancers"] = "";
  }
  if (!node.pod_cidr.empty()) spec["podCIDR"] = node.pod_cidr;
  const Prefix address(node.facts.address, node.subnet_length);
  Json annotations = {{plan::node_address_annotation, to_string(address)}};
  if (node.first_block) {
    annotations[std::string(plan::first_block_annotation)] = to_string(*node.first_block);
  }
  return {
      {"apiVersion", "v1"},
      {"kind", "Node"},
      {"metadata", {{"name", node.facts.name}, {"labels", labels}, {"annotations", annotations}}},
      {"spec", spec}};
}

Json make_node_status(const NodeDescription& node, bool network_ready, const Json& previous,
                      WallTime now) {
  struct sysinfo memory {};
  ::sysinfo(&memory);
  auto kib = static_cast<uint64_t>(memory.totalram) * memory.mem_unit / 1024;
  Json capacity = {{"cpu", std::to_string(std::thread::hardware_concurrency())},
                   {"memory", std::to_string(kib) + "Ki"},
                   {"pods", std::to_string(node.max_pods)}};
  Json conditions = Json::array();
  for (const Condition& condition :
       {Condition{"MemoryPressure", "False", "KubeletHasSufficientMemory",
                  "kubelet has sufficient memory available"},
        Condition{"DiskPressure", "False", "KubeletHasNoDiskPressure",
                  "kubelet has no disk pressure"},
        Condition{"PIDPressure", "False", "KubeletHasSufficientPID",
                  "kubelet has sufficient PID available"},
        network_ready
            ? Condition{"Ready", "True", "KubeletReady", "kubelet is posting ready status"}
            : Condition{"Ready", "False", "KubeletNotReady",
                        "container runtime network not ready: NetworkReady=false "
                        "reason:NetworkPluginNotReady message:no CNI configuration yet (is the "
                        "calico-node pod of this node running?)"}}) {
    conditions.push_back(condition_json(condition, previous, now));
  }
  for (const Json& old : member(previous, "conditions")) {
    if (find_condition(conditions, string_or(old, "type")) == nullptr) conditions.push_back(old);
  }
  return {{"addresses",
           {{{"type", "InternalIP"}, {"address", to_string(node.facts.address)}},
            {{"type", "Hostname"}, {"address", node.facts.name}}}},
          {"capacity", capacity},
          {"allocatable", capacity},
          {"conditions", conditions},
          {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 10250}}}}},
          {"nodeInfo", node_info(node)}};
}

bool same_node_status(const Json& wanted, const Json& current) {
  for (const auto& [field, value] : wanted.items()) {
    const Json& there = member(current, field);
    if (field != "conditions") {
      if (value != there) return false;
      continue;
    }
    for (const Json& condition : value) {
      if (!same_condition(condition, find_condition(there, string_or(condition, "type")))) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace hoplab::agent
